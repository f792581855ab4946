import { END_STATES, type JobState, type TrainingJob } from './types.ts';

/** Every way a job may go, and no other: what is not in this table is a bug, and throws. */
export const TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  draft: ['created'],
  created: ['created', 'waiting', 'ending'],
  waiting: ['waiting', 'starting', 'ending'],
  starting: ['training', 'waiting', 'importing', 'cancelling', 'ending'],
  training: ['training', 'waiting', 'importing', 'cancelling', 'ending'],
  importing: ['ending'],
  cancelling: ['ending'],
  // Ending still: its checkpoints are registered.
  ending: ['ending', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** States in which a job takes one of the slots: SageMaker may be at work on it. */
const SLOT_STATES: ReadonlySet<JobState> = new Set(['starting', 'training', 'cancelling']);

export const takesSlot = ({ state }: Pick<TrainingJob, 'state'>): boolean => SLOT_STATES.has(state);
export const isEnded = ({ state }: Pick<TrainingJob, 'state'>): boolean =>
  END_STATES.some((end) => end === state);

type Changed = Partial<
  Pick<
    TrainingJob,
    | 'dataset'
    | 'attempts'
    | 'phase'
    | 'putOff'
    | 'artifactKey'
    | 'metrics'
    | 'trainedEpochs'
    | 'verdict'
    | 'checkpoints'
    | 'finishedAtMs'
  >
>;

/** The job in its next state. Throws when the table does not allow it: whoever decides looks at the state first. */
export function moveJob(job: TrainingJob, to: JobState, nowMs: number, changed: Changed = {}): TrainingJob {
  if (!TRANSITIONS[job.state].includes(to))
    throw new Error(`a training job cannot go from ${job.state} to ${to}`);
  return { ...job, ...changed, state: to, version: job.version + 1, updatedAtMs: nowMs };
}
