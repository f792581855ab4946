import * as fc from 'fast-check';
import type { TenantId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import type { JobRef } from '#core/training/changeJob.ts';
import { completeJob, failJob, type Success } from '#core/training/completeJob.ts';
import { receiveTrainingEvent } from '#core/training/receiveTrainingEvent.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import { startJobs } from '#core/training/startJobs.ts';
import { attemptName } from '#core/training/trainingRequest.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { Crash, withCrash } from './crash.ts';
import { testId } from './ledger.ts';
import type { makeTrainingDesk } from './trainingWorld.ts';

type World = ReturnType<typeof makeTrainingDesk>;

const MINUTE_MS = 60_000;
const LONG_MS = 30 * MINUTE_MS;
/** More rounds than any job needs to come to its end. */
const MAX_ROUNDS = 60;

/** What may happen to jobs, in any order, as often as it likes. `job` picks one, `crash` ends the process at a call. */
export const anyHappening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('message' as const), job: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('event' as const), job: fc.nat(), attempt: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('complete' as const), job: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      job: fc.nat(),
      reason: fc.constantFrom(
        'CapacityError: none',
        'AlgorithmError: internal: RuntimeError',
        'AlgorithmError: invalid_dataset: line 1',
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), job: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('progress' as const), job: fc.nat(), epoch: fc.nat(4) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('import' as const), job: fc.nat(), works: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconcile' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('refuse' as const),
      code: fc.constantFrom('quota' as const, 'throttled' as const, 'capacity' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 20 }) }),
  },
);
type Happening = typeof anyHappening extends fc.Arbitrary<infer T> ? T : never;

export const anyCrash = fc.option(
  fc.record({
    call: fc.integer({ min: 1, max: 12 }),
    when: fc.constantFrom('before' as const, 'after' as const),
  }),
  { freq: 3 },
);

const refOf = ({ tenantId, id }: TrainingJob): JobRef => ({ tenantId, jobId: id });

/** Lets one thing happen to these jobs; a crash ends it where it is, as a process that is gone. */
export async function happen(
  world: World,
  jobs: readonly TrainingJob[],
  happening: Happening,
  crash: Parameters<typeof withCrash>[1],
): Promise<void> {
  const { jobs: store, ledger, queue, imports, training, objects } = world.desk;
  const { ports } = withCrash({ jobs: store, ledger, queue, imports, training, objects }, crash);
  try {
    await act(world, { ...world.desk, ...ports }, jobs, happening);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

async function act(
  { sageMaker, stored, clock }: World,
  desk: World['desk'],
  jobs: readonly TrainingJob[],
  happening: Happening,
): Promise<void> {
  const pick = 'job' in happening ? jobs[happening.job % jobs.length] : undefined;
  const running = sageMaker.atWork();
  const name = 'job' in happening ? (running[happening.job % Math.max(1, running.length)] ?? '') : '';
  switch (happening.kind) {
    case 'message':
      return pick && startJobs(desk, refOf(pick));
    case 'event':
      return (
        pick && receiveTrainingEvent(desk, eventOf(attemptName(desk.namePrefix, pick, happening.attempt + 1)))
      );
    case 'complete':
      return sageMaker.complete(name);
    case 'fail':
      return sageMaker.fail(name, happening.reason);
    case 'cancel':
      return pick && void (await cancelJob(desk, refOf(pick)));
    case 'progress':
      return pick && stored.tell(pick, { step: happening.epoch * 10 + 1, steps: 41, epoch: happening.epoch });
    case 'import':
      return pick && endImport(desk, pick, happening.works);
    case 'reconcile':
      return void (await reconcileJobs(desk));
    case 'refuse':
      return sageMaker.refuse({ code: happening.code, message: happening.code });
    case 'settle':
      return sageMaker.settle();
    case 'wait':
      clock.nowMs += happening.minutes * MINUTE_MS;
  }
}

const endImport = async (desk: World['desk'], job: TrainingJob, works: boolean): Promise<void> => {
  const ref = refOf(job);
  if (works) await completeJob(desk, ref, successOf(job.id));
  else await failJob(desk, ref, { code: 'adapter_refused', message: 'It did not load.' });
};

/** A success of which a checkpoint is kept. */
const successOf = (jobId: TrainingJob['id']): Success => ({
  fineTunedModel: `ft:${jobId}`,
  checkpoints: async () => [
    { epoch: 3, step: 31, adapterId: testId('adapter', '3'), model: `ft:${jobId}:ckpt-step-31` },
  ],
});

const eventOf = (name: string): string => JSON.stringify({ detail: { TrainingJobName: name } });

/** From here on nothing fails: every job comes to its end by the reconciler and the messages that it sends. */
export async function bringToEnd(
  world: World,
  tenants: readonly TenantId[],
): Promise<readonly TrainingJob[]> {
  const { desk, sageMaker, clock, sent, imports } = world;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const open = (await desk.jobs.listOpen()).filter(({ tenantId }) => tenants.includes(tenantId));
    if (open.length === 0) break;
    clock.nowMs += LONG_MS;
    await reconcileJobs(desk);
    for (const message of sent.splice(0)) await startJobs(desk, message);
    for (const name of sageMaker.atWork()) sageMaker.complete(name);
    sageMaker.settle();
    for (const { tenantId, jobId } of imports.splice(0))
      await completeJob(desk, { tenantId, jobId }, successOf(jobId));
  }
  const lists = await Promise.all(tenants.map((tenantId) => desk.jobs.list(tenantId, { limit: 100 })));
  return lists.flatMap(({ jobs }) => jobs);
}
