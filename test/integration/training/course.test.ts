import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import { completeJob } from '#core/training/completeJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { receiveTrainingEvent } from '#core/training/receiveTrainingEvent.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import { startJobs } from '#core/training/startJobs.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { GRANTED } from '#test/builders/jobs.ts';
import { makeTrainingDesk } from '#test/builders/trainingWorld.ts';

let database: TestDatabase;
let at: ReturnType<typeof makeTrainingDesk>;
let tenant: TenantId;
beforeAll(async () => {
  database = await startTestDatabase();
  at = makeTrainingDesk(database);
}, 60_000);
afterAll(() => database.stop());
// Whatever a test left at work gives its slot back.
afterEach(async () => {
  for (const job of await at.desk.jobs.listOpen()) await cancelJob(at.desk, refOf(job));
  for (const job of await at.desk.jobs.listOpen()) await startJobs(at.desk, refOf(job));
  at.sageMaker.settle();
  for (const job of await at.desk.jobs.listOpen()) await startJobs(at.desk, refOf(job));
});

const refOf = ({ tenantId, id }: TrainingJob) => ({ tenantId, jobId: id });
const read = async (job: TrainingJob) => (await at.desk.jobs.read(job.tenantId, job.id)) ?? job;
const history = async (job: TrainingJob) =>
  (await at.desk.jobs.events(job.tenantId, job.id)).map(({ message }) => message).toReversed();
const eventOf = (name: string) =>
  JSON.stringify({
    source: 'aws.sagemaker',
    'detail-type': 'SageMaker Training Job State Change',
    detail: { TrainingJobName: name, TrainingJobStatus: 'whatever', Tags: {} },
  });
const tell = (job: TrainingJob, attempt = 1) =>
  receiveTrainingEvent(at.desk, eventOf(`tunegate-test-${job.id}-${attempt}`));

/** A new tenant's job, with SageMaker. */
async function started(): Promise<TrainingJob> {
  tenant = await at.newTenant();
  const job = await at.newJob(tenant);
  await startJobs(at.desk, refOf(job));
  return read(job);
}

describe('a job that goes well', () => {
  test('is prepared, trained, imported and charged, whatever comes twice', async () => {
    const job = await started();
    const name = `tunegate-test-${job.id}-1`;
    expect(job).toMatchObject({ state: 'training', dataset: { tokensPerEpoch: expect.any(Number) } });
    for (let again = 0; again < 3; again++) await startJobs(at.desk, refOf(job));
    expect(at.sageMaker.names().filter((known) => known.includes(job.id))).toEqual([name]);
    at.sageMaker.become(name, { status: 'in_progress', secondaryStatus: 'Training' });
    await tell(job);
    await tell(job);
    at.stored.tell(job, { step: 40, steps: 40, epoch: 4, trainLoss: 0.1, validationLoss: 0.2 });
    at.sageMaker.complete(name);
    await tell(job);
    await tell(job);
    expect(await read(job)).toMatchObject({
      state: 'importing',
      trainedEpochs: 4,
      metrics: { trainLoss: 0.1, validationLoss: 0.2 },
      attempts: [{ billableSeconds: 30, costMicroUsd: 11_750 }],
    });
    expect(at.imports.filter(({ jobId }) => jobId === job.id)).toHaveLength(1);
    const done = await completeJob(at.desk, refOf(job), { fineTunedModel: 'ft:it' });
    const tokens = (job.dataset?.tokensPerEpoch ?? 0) * 4;
    expect(done).toMatchObject({ value: { verdict: { chargedTokens: tokens, chargedMicro: tokens * 10 } } });
    expect(await at.balance(tenant)).toEqual({ available: GRANTED - tokens * 10, held: 0 });
    expect(await history(job)).toEqual([
      expect.stringMatching('created'),
      expect.stringMatching(/^Files validated, \d+ examples to train on and \d+ to validate with/),
      expect.stringMatching('Fine-tuning job started'),
      'Training has begun',
      expect.stringMatching('Training has ended'),
      'The job has successfully completed',
    ]);
  });

  test('learns from a version of its file that is the same whenever it is made', async () => {
    tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    await startJobs(at.desk, refOf(job));
    const made = (await read(job)).dataset;
    const files = ['train/data.jsonl', 'validation/data.jsonl', 'settings/settings.json', 'version.json'];
    const written = () =>
      files.map((file) => at.stored.objects.get(`tenants/${tenant}/training/${job.id}/${file}`));
    const [train = '', validation = '', settings = '', version = ''] = written();
    expect(train.split('\n').length + validation.split('\n').length).toBe(52);
    expect(JSON.parse(settings)).toMatchObject({
      baseModel: 'tunegate-nano',
      epochs: 4,
      rank: 8,
      alpha: 16,
      seed: 7,
    });
    expect(JSON.parse(version)).toMatchObject({ sha256: made?.sha256 });
  });
});

describe('a job that waits', () => {
  test('for quota says so, takes no slot meanwhile, and starts under the same name later', async () => {
    at.sageMaker.refuse(
      { code: 'quota', message: 'ResourceLimitExceeded' },
      { code: 'throttled', message: 'x' },
    );
    const job = await started();
    expect(job).toMatchObject({ state: 'waiting', putOff: { times: 1 }, attempts: [] });
    expect(await history(job)).toContainEqual(expect.stringMatching(/instances are in use.*15 seconds/));
    await startJobs(at.desk, refOf(job));
    expect((await read(job)).state).toBe('waiting'); // not before its time
    at.clock.nowMs += 16_000;
    await startJobs(at.desk, refOf(job));
    expect(await read(job)).toMatchObject({ state: 'waiting', putOff: { times: 2 } });
    at.clock.nowMs += 31_000;
    await startJobs(at.desk, refOf(job));
    expect(await read(job)).toMatchObject({
      state: 'training',
      attempts: [{ name: `tunegate-test-${job.id}-1` }],
    });
    await cancelJob(at.desk, refOf(job));
  });

  test('for capacity that was lost gets another attempt, and the first one is not listened to any more', async () => {
    const job = await started();
    at.sageMaker.fail(
      `tunegate-test-${job.id}-1`,
      'CapacityError: Unable to provision requested ML compute capacity.',
    );
    await tell(job);
    expect(await read(job)).toMatchObject({ state: 'waiting' });
    at.clock.nowMs += 16_000;
    await startJobs(at.desk, refOf(job));
    await tell(job, 1);
    expect(await read(job)).toMatchObject({
      state: 'training',
      attempts: [{}, { name: `tunegate-test-${job.id}-2` }],
    });
    await cancelJob(at.desk, refOf(job));
  });
});

describe('a job that is cancelled', () => {
  test('while it trains is charged for what it trained until then', async () => {
    const job = await started();
    at.stored.tell(job, { step: 10, steps: 40, epoch: 1 });
    expect(await cancelJob(at.desk, refOf(job))).toMatchObject({ ok: true, value: { state: 'cancelling' } });
    await startJobs(at.desk, refOf(job));
    at.sageMaker.settle();
    await tell(job);
    const tokens = job.dataset?.tokensPerEpoch ?? 0;
    expect(await read(job)).toMatchObject({ state: 'cancelled', verdict: { chargedTokens: tokens } });
    expect(await at.balance(tenant)).toEqual({ available: GRANTED - tokens * 10, held: 0 });
    // What it left in storage is handed to what would have imported its model.
    for (const message of at.sent.filter(({ jobId }) => jobId === job.id)) await startJobs(at.desk, message);
    expect(at.imports).toContainEqual({ kind: 'import', ...refOf(job) });
  });

  test('before it trains costs nothing, and SageMaker never hears of it', async () => {
    tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    await cancelJob(at.desk, refOf(job));
    await startJobs(at.desk, refOf(job));
    expect(await read(job)).toMatchObject({ state: 'cancelled', verdict: { chargedMicro: 0 } });
    expect(at.sageMaker.names().filter((name) => name.includes(job.id))).toEqual([]);
    expect(await at.balance(tenant)).toEqual({ available: GRANTED, held: 0 });
  });
});

describe('a job that fails', () => {
  test.each([
    ['AlgorithmError: ExitCode: 1\ninternal: RuntimeError', 'training_failed', 0],
    ['AlgorithmError: training_diverged: loss is nan', 'training_diverged', 0],
    ['AlgorithmError: invalid_dataset: line 3 has no answer', 'invalid_dataset', 1],
  ])('by %s ends with %s', async (reason, code, epochs) => {
    const job = await started();
    at.stored.tell(job, { epoch: 1 });
    at.sageMaker.fail(`tunegate-test-${job.id}-1`, reason);
    await tell(job);
    const tokens = epochs * (job.dataset?.tokensPerEpoch ?? 0);
    const charged = code === 'training_diverged' ? (job.dataset?.tokensPerEpoch ?? 0) : tokens;
    expect(await read(job)).toMatchObject({
      state: 'failed',
      verdict: { error: { code }, chargedTokens: charged },
    });
    expect(await at.balance(tenant)).toEqual({ available: GRANTED - charged * 10, held: 0 });
  });

  test('because its file is gone says so', async () => {
    tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    at.stored.objects.delete(`tenants/${tenant}/files/${job.trainingFile}/content.jsonl`);
    await startJobs(at.desk, refOf(job));
    expect(await read(job)).toMatchObject({
      state: 'failed',
      verdict: { error: { code: 'file_deleted' }, chargedMicro: 0 },
    });
  });
});

describe('a failure by our fault is counted once, whoever finds it:', () => {
  const counted = async (act: () => Promise<unknown>): Promise<number> => {
    const before = at.failures.count;
    await act();
    return at.failures.count - before;
  };

  test('the event of a training that failed, and its repeat', async () => {
    const job = await started();
    at.sageMaker.fail(`tunegate-test-${job.id}-1`, 'AlgorithmError: internal: RuntimeError');
    expect(await counted(() => tell(job).then(() => tell(job)))).toBe(1);
  });

  test('the start that SageMaker will never take', async () => {
    at.sageMaker.refuse({ code: 'invalid', message: 'no such image' });
    expect(await counted(started)).toBe(1);
  });

  test('the reconciler that ends a job past its time', async () => {
    await started();
    at.clock.nowMs += JOB_LIMITS.lifeMs + 1;
    expect(await counted(() => reconcileJobs(at.desk))).toBe(1);
  });

  test('and a file that its client deleted is not ours', async () => {
    tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    at.stored.objects.delete(`tenants/${tenant}/files/${job.trainingFile}/content.jsonl`);
    expect(await counted(() => startJobs(at.desk, refOf(job)))).toBe(0);
  });
});

describe('the reconciler', () => {
  test('finds a job whose events never came', async () => {
    const job = await started();
    at.sageMaker.complete(`tunegate-test-${job.id}-1`);
    await reconcileJobs(at.desk);
    expect((await read(job)).state).toBe('training'); // not silent for long
    at.clock.nowMs += JOB_LIMITS.silentMs + 1;
    await reconcileJobs(at.desk);
    expect((await read(job)).state).toBe('importing');
    await completeJob(at.desk, refOf(job), { fineTunedModel: 'x' });
  });

  test('gives back the hold of a request that died', async () => {
    tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    const draft = { ...job, id: `${job.id}x` as TrainingJob['id'], state: 'draft' as const, version: 0 };
    await at.desk.jobs.create(draft);
    at.clock.nowMs += JOB_LIMITS.draftMs + 1;
    await reconcileJobs(at.desk);
    expect(await at.desk.jobs.read(tenant, draft.id)).toBeUndefined();
    expect((await at.balance(tenant)).held).toBe(0);
  });

  test('ends a job past its time, before its hold expires', async () => {
    const job = await started();
    at.clock.nowMs += JOB_LIMITS.lifeMs + 1;
    await reconcileJobs(at.desk);
    expect(await read(job)).toMatchObject({ state: 'failed', verdict: { chargedMicro: 0 } });
    expect(await at.balance(tenant)).toEqual({ available: GRANTED, held: 0 });
    expect(JOB_LIMITS.holdMs).toBeGreaterThan(JOB_LIMITS.lifeMs);
  });
});
