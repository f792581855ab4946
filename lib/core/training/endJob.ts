import type { UsageEvent } from '#core/metering/types.ts';
import { parseId, type RequestId, type UsageEventId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { type Changed, changeJob, type JobRef, type Move } from './changeJob.ts';
import type { JobDesk } from './ports.ts';
import { priceOfTrained, trainedTokens } from './quote.ts';
import { moveJob } from './transitions.ts';
import type { EndState, JobError, TrainingJob, Verdict } from './types.ts';

export type Ending =
  /** `keepsCheckpoints`: it ends when what is kept of its earlier epochs is registered. */
  | { readonly outcome: 'succeeded'; readonly fineTunedModel: string; readonly keepsCheckpoints: boolean }
  /** `charged`: the client is at fault, and pays for what was trained until then. */
  | { readonly outcome: 'failed'; readonly error: JobError; readonly charged: boolean }
  | { readonly outcome: 'cancelled' };

/** Decides how a job ends: what is written here is what the credits do afterwards, however often that is repeated. */
export function decideEnding(job: TrainingJob, ending: Ending, nowMs: number): Move {
  const isFree = ending.outcome === 'failed' && !ending.charged;
  const chargedTokens = isFree ? 0 : trainedTokens(job);
  const verdict: Verdict = {
    outcome: ending.outcome,
    chargedTokens,
    chargedMicro: chargedTokens === 0 ? ZERO : priceOfTrained(job, chargedTokens),
    error: ending.outcome === 'failed' ? ending.error : null,
    fineTunedModel: ending.outcome === 'succeeded' ? ending.fineTunedModel : null,
  };
  const checkpoints = ending.outcome === 'succeeded' && ending.keepsCheckpoints ? null : [];
  return { job: moveJob(job, 'ending', nowMs, { verdict, checkpoints }), told: null };
}

/**
 * Settles or gives back the credits of a job that is `ending`, then ends it. Each step may be repeated, by anyone, at
 * any time: the ledger knows the charge by the job's id. A job whose checkpoints are still to be registered stays.
 */
export async function finishEnding(desk: JobDesk, ref: JobRef): Promise<Changed> {
  const job = await desk.jobs.read(ref.tenantId, ref.jobId);
  if (job === undefined) return { outcome: 'unknown' };
  if (job.state !== 'ending' || job.verdict === null || job.checkpoints === null)
    return { outcome: 'unchanged', job };
  if (job.verdict.chargedTokens === 0) await desk.ledger.voidHold(job.tenantId, job.holdId);
  else
    await desk.ledger.settle(job.tenantId, [
      { event: usageOf(job, job.verdict), amountMicro: job.verdict.chargedMicro },
    ]);
  const ended = await changeJob(desk, ref, (ending) =>
    ending.state === 'ending' && ending.verdict !== null && ending.checkpoints !== null
      ? lastMove(desk, ending, ending.verdict)
      : undefined,
  );
  if (ended.outcome === 'changed' && isOurFault(job.verdict)) desk.countFailure();
  return ended;
}

/** Nothing was charged, and no file of the client's is at fault. */
const isOurFault = ({ outcome, chargedTokens, error }: Verdict): boolean =>
  outcome === 'failed' && chargedTokens === 0 && error?.param === null;

function lastMove({ world }: JobDesk, job: TrainingJob, verdict: Verdict): Move {
  const nowMs = world.clock();
  return { job: moveJob(job, verdict.outcome, nowMs, { finishedAtMs: nowMs }), told: lastWords(verdict) };
}

function lastWords({ outcome, error }: Verdict): Move['told'] {
  const said: Readonly<Record<EndState, Move['told']>> = {
    succeeded: { level: 'info', message: 'The job has successfully completed' },
    failed: { level: 'error', message: `The job failed: ${error?.message ?? 'no reason is known'}` },
    cancelled: { level: 'info', message: 'The job was cancelled' },
  };
  return said[outcome];
}

/** A job's training as a usage event: one for each job, told by its id. Its moment is that of the decision. */
function usageOf(job: TrainingJob, { outcome, chargedTokens }: Verdict): UsageEvent {
  const body = job.id.slice('ftjob-'.length);
  return {
    id: idOf<UsageEventId>('usageEvent', `use_${body}`),
    requestId: idOf<RequestId>('request', `req_${body}`),
    tenantId: job.tenantId,
    keyId: job.keyId,
    holdId: job.holdId,
    model: job.baseModel,
    adapter: null,
    operation: 'fine_tuning',
    user: null,
    inputTokens: chargedTokens,
    outputTokens: 0,
    choices: 1,
    computeMs: 0,
    timeToFirstTokenMs: null,
    status: outcome === 'succeeded' ? 'succeeded' : 'client_closed',
    startedAtMs: job.updatedAtMs,
    endedAtMs: job.updatedAtMs,
    priceBook: job.quote.priceBook,
  };
}

function idOf<T extends string>(kind: 'usageEvent' | 'request', text: string): T {
  const id = parseId<T>(kind, text);
  if (id === undefined) throw new Error(`not an id: ${text}`);
  return id;
}
