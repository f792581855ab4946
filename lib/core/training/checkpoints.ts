import type { ProgressLine } from './ports.ts';
import type { TrainingJob } from './types.ts';

/** What a job was at the end of one of its epochs. */
export type Checkpoint = Pick<
  ProgressLine,
  'atMs' | 'step' | 'trainLoss' | 'validationLoss' | 'validationExact'
> & {
  /** The model that can be called. Null before the last epoch: of those the numbers are kept, and not the weights. */
  readonly fineTunedModel: string | null;
};

/** The ends of a job's epochs as its trainer told them, newest first; of one that is training, those reached so far. */
export const checkpointsOf = (
  { state, verdict }: Pick<TrainingJob, 'state' | 'verdict'>,
  lines: readonly ProgressLine[],
): readonly Checkpoint[] =>
  lines
    .filter(({ epoch }) => epoch > 0 && Number.isInteger(epoch))
    .map((line) => ({
      ...line,
      fineTunedModel:
        state === 'succeeded' && line.step === line.steps ? (verdict?.fineTunedModel ?? null) : null,
    }))
    .reverse();
