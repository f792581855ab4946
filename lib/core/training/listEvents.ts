import type { JobIntake } from './ports.ts';
import { progressEvents, readProgress } from './progress.ts';
import type { JobEvent, TrainingJob } from './types.ts';

export type EventPage = { readonly events: readonly JobEvent[]; readonly more: boolean };

/**
 * A job's history, newest first, after the event of this id: its changes, and between them what its trainer tells,
 * read from the trainer's own file. An id that is no event's gives an empty page.
 */
export async function listEvents(
  { jobs, objects }: Pick<JobIntake, 'jobs' | 'objects'>,
  job: TrainingJob,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<EventPage> {
  const [changes, lines] = await Promise.all([jobs.events(job.tenantId, job.id), readProgress(objects, job)]);
  const all = newestFirst(changes, progressEvents(job, lines).toReversed());
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const rest = after !== undefined && from === 0 ? [] : all.slice(from);
  return { events: rest.slice(0, limit), more: rest.length > limit };
}

/** Merges two lists that are in order themselves: a clock that lags must not turn a list around. */
function newestFirst(changes: readonly JobEvent[], steps: readonly JobEvent[]): readonly JobEvent[] {
  const merged: JobEvent[] = [];
  let [atChange, atStep] = [0, 0];
  while (atChange < changes.length || atStep < steps.length) {
    const [change, step] = [changes[atChange], steps[atStep]];
    const takesChange = step === undefined || (change !== undefined && change.atMs >= step.atMs);
    const next = takesChange ? change : step;
    if (next !== undefined) merged.push(next);
    if (takesChange) atChange += 1;
    else atStep += 1;
  }
  return merged;
}
