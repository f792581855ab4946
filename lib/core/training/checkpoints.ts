import type { ProgressLine } from './ports.ts';
import { checkpointPrefix } from './trainingRequest.ts';
import type { TrainingJob } from './types.ts';

/** What a job was at the end of one of its epochs. */
export type Checkpoint = Pick<
  ProgressLine,
  'atMs' | 'step' | 'trainLoss' | 'validationLoss' | 'validationExact'
> & {
  /** The model that it was registered as; null where there is none: the job has not succeeded, or kept numbers alone. */
  readonly fineTunedModel: string | null;
};

/** The ends of a job's epochs as its trainer told them, newest first; of one that is training, those reached so far. */
export const checkpointsOf = (
  job: Pick<TrainingJob, 'state' | 'verdict' | 'checkpoints'>,
  lines: readonly ProgressLine[],
): readonly Checkpoint[] =>
  lines
    .filter(({ epoch }) => epoch > 0 && Number.isInteger(epoch))
    .map((line) => ({ ...line, fineTunedModel: modelAt(job, line) }))
    .reverse();

function modelAt(
  { state, verdict, checkpoints }: Parameters<typeof checkpointsOf>[0],
  { step, steps }: ProgressLine,
): string | null {
  if (state !== 'succeeded') return null;
  if (step === steps) return verdict?.fineTunedModel ?? null;
  return checkpoints?.find((kept) => kept.step === step)?.model ?? null;
}

/** The archive of an adapter that a trainer kept at an epoch's end, by its key in the tenant data bucket. */
export type KeptAdapter = { readonly epoch: number; readonly step: number; readonly key: string };

/** Of the ends of epochs before the last: with the job's own model, the last three. */
const MAX_KEPT = 2;
/** What trainers name them: see `lib/local/trainingJob/keptAdapters.ts` and `containers/training`. */
const KEPT_ADAPTER = /^adapter-epoch-(\d{1,4})-step-(\d{1,9})\.tar\.gz$/u;

/** Which of the objects beside a job's checkpoints are adapters that its trainer kept, newest first. */
export function keptAdapters(
  job: Pick<TrainingJob, 'tenantId' | 'id' | 'hyperParameters'>,
  keys: readonly string[],
): readonly KeptAdapter[] {
  const prefix = checkpointPrefix(job);
  return keys
    .flatMap((key) => {
      const [whole, epoch, step] = KEPT_ADAPTER.exec(key.slice(prefix.length)) ?? [];
      return key.startsWith(prefix) && whole !== undefined
        ? [{ epoch: Number(epoch), step: Number(step), key }]
        : [];
    })
    .filter(({ epoch }) => epoch < job.hyperParameters.epochs)
    .sort((a, b) => b.epoch - a.epoch)
    .slice(0, MAX_KEPT);
}
