import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import { completeJob, failJob } from '#core/training/completeJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { Crash, type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aDataset, GRANTED } from '#test/builders/jobs.ts';
import { makeTrainingDesk } from '#test/builders/trainingWorld.ts';

let database: TestDatabase;
let at: ReturnType<typeof makeTrainingDesk>;
beforeAll(async () => {
  database = await startTestDatabase();
  at = makeTrainingDesk(database);
}, 60_000);
afterAll(() => database.stop());

const refOf = ({ tenantId, id }: TrainingJob) => ({ tenantId, jobId: id });
/** Of 900 tokens an epoch, at 10 µcr a token. */
const TRAINED_MICRO = 4 * 900 * 10;

/** A job whose adapter waits to be deployed, trained for all its four epochs. */
async function importing(tenantId: TenantId): Promise<TrainingJob> {
  const ref = refOf(await at.newJob(tenantId));
  await at.advance(ref, 'waiting', { dataset: aDataset() });
  await at.advance(ref, 'starting');
  await at.advance(ref, 'training');
  return at.advance(ref, 'importing', { trainedEpochs: 4 });
}

type Desk = typeof at.desk;
/** What ends a job, what it becomes, and what it is charged then. */
const ENDINGS = [
  {
    name: 'completed',
    end: (desk: Desk, job: TrainingJob) => completeJob(desk, refOf(job), { fineTunedModel: 'ft:it' }),
    state: 'succeeded',
    chargedMicro: TRAINED_MICRO,
  },
  {
    name: 'failed by our fault',
    end: (desk: Desk, job: TrainingJob) => failJob(desk, refOf(job), { code: 'x', message: 'x' }),
    state: 'failed',
    chargedMicro: 0,
  },
  {
    name: 'cancelled',
    end: (desk: Desk, job: TrainingJob) => cancelJob(desk, refOf(job)),
    state: 'cancelled',
    chargedMicro: TRAINED_MICRO,
  },
] as const;

/** Ends a job; a crash ends the process at one of its calls. Answers how many calls there were. */
async function endWith(
  job: TrainingJob,
  end: (typeof ENDINGS)[number]['end'],
  crash?: CrashPoint,
): Promise<number> {
  const { jobs, ledger, queue } = at.desk;
  const { ports, calls } = withCrash({ jobs, ledger, queue }, crash);
  try {
    await end({ ...at.desk, ...ports }, job);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  return calls();
}

test.each(ENDINGS)(
  'a job that is $name ends so and moves its credits once, wherever the first attempt dies',
  async ({ end, state, chargedMicro }) => {
    const calls = await endWith(await importing(await at.newTenant()), end);
    expect(calls).toBeGreaterThan(4);
    for (let call = 1; call <= calls; call++) {
      for (const when of ['before', 'after'] as const) {
        const tenant = await at.newTenant();
        const job = await importing(tenant);
        await endWith(job, end, { call, when });
        // Nobody repeats what was decided already: the reconciler brings it to its end. What was not, is repeated.
        at.clock.nowMs += JOB_LIMITS.silentMs + 1;
        await reconcileJobs(at.desk);
        await endWith(job, end);
        const ended = await at.desk.jobs.read(tenant, job.id);
        expect({ call, when, state: ended?.state }).toEqual({ call, when, state });
        expect(await at.balance(tenant)).toEqual({ available: GRANTED - chargedMicro, held: 0 });
      }
    }
  },
  60_000,
);
