import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeployDesk } from '#core/adapters/ports.ts';
import { receiveMessage } from '#core/adapters/receiveMessage.ts';
import { checkpointName } from '#core/shared/checkpointName.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { scriptedEndpoint, startAdapterDesk } from '#test/builders/adapters.ts';
import { adapterArchive, otherWeights, tarGz } from '#test/builders/archives.ts';
import { Crash, withCrash } from '#test/builders/crash.ts';
import { newImportingJob } from '#test/builders/importingJob.ts';
import { GRANTED } from '#test/builders/jobs.ts';

let at: Awaited<ReturnType<typeof startAdapterDesk>>;
beforeAll(async () => {
  at = await startAdapterDesk();
}, 60_000);
afterAll(() => at.stop());

const archiveOf = (nth: number) => adapterArchive({ 'adapter_model.safetensors': otherWeights(nth) });
const KEPT = {
  'adapter-epoch-2-step-6.tar.gz': archiveOf(1),
  'adapter-epoch-3-step-9.tar.gz': archiveOf(2),
  'checkpoint-00000012.safetensors': 'weights and moments',
  'progress.jsonl': '{}\n',
};
const jobNow = ({ tenantId, id }: TrainingJob) => at.jobs.desk.jobs.read(tenantId, id);
const aliasesOf = async (tenantId: TenantId) =>
  (await at.agency.deps.directory.listModels(tenantId)).map(({ alias }) => alias).sort();
const adaptersOf = async (tenantId: TenantId) =>
  (await at.deps.adapters.list(tenantId, { limit: 10 })).adapters;

/** A job that has succeeded, with what was kept of it. */
async function succeeded(kept: Parameters<typeof newImportingJob>[1]['kept'] = KEPT) {
  const served = scriptedEndpoint();
  const worker = at.desk(served.endpoint);
  const made = await newImportingJob(at, { kept });
  await receiveMessage(worker, made.message);
  await at.work(worker);
  const job = await jobNow(made.job);
  if (job?.state !== 'succeeded') throw new Error(`the job is ${job?.state}`);
  return { ...made, ...served, worker, job, model: job.verdict?.fineTunedModel ?? '' };
}

test('what was kept of a job that succeeds is registered with where it comes from, is not deployed, and costs nothing', async () => {
  const { job, model, tenant, components, left } = await succeeded();
  const names = [checkpointName(model, 9), checkpointName(model, 6)];
  expect(job.checkpoints?.map((kept) => kept.model)).toEqual(names);
  const bodies = [];
  for (const { adapterId } of job.checkpoints ?? [])
    bodies.push((await at.call('GET', `${tenant.path}/adapters/${adapterId}`)).body);
  expect(bodies).toMatchObject(
    [3, 2].map((epoch, i) => ({
      status: 'registered',
      model_names: [names[i]],
      lineage: {
        source: 'training_job',
        fine_tuning_job: job.id,
        checkpoint: { epoch, step: epoch * 3 },
        dataset: { sha256: 'a'.repeat(64) },
      },
    })),
  );
  expect(components.size).toBe(1);
  expect(await aliasesOf(job.tenantId)).toEqual([model]);
  expect(await left()).toEqual(['progress.jsonl']);
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED - 36_000, held: 0 });
  const [, told] = await at.jobs.desk.jobs.events(job.tenantId, job.id);
  expect(told?.message).toBe(`Checkpoints are kept, and can be put into service: ${names.join(', ')}`);
});

test('a checkpoint is a model while it is deployed, and none before and after', async () => {
  const { job, model, tenant, worker, components } = await succeeded();
  const [kept] = job.checkpoints ?? [];
  const path = `${tenant.path}/adapters/${kept?.adapterId}`;
  const status = async () => (await at.call('GET', path)).body.status;
  expect((await at.call('POST', `${path}/deploy`)).status).toBe(202);
  await at.work(worker);
  expect(await status()).toBe('deployed');
  expect(await aliasesOf(job.tenantId)).toEqual([model, kept?.model]);
  const route = (await at.agency.deps.directory.listModels(job.tenantId)).find(
    ({ alias }) => alias === kept?.model,
  );
  expect(route).toMatchObject({ adapterId: kept?.adapterId, baseModel: 'tunegate-nano' });
  expect((await at.call('POST', `${path}/retire`)).status).toBe(409);

  expect((await at.call('POST', `${path}/undeploy`)).status).toBe(202);
  await at.work(worker);
  expect(await status()).toBe('registered');
  expect(await aliasesOf(job.tenantId)).toEqual([model]);
  expect(components.size).toBe(1);

  await at.call('POST', `${path}/deploy`);
  await at.work(worker);
  expect(await aliasesOf(job.tenantId)).toEqual([model, kept?.model]);
  await at.call('POST', `${path}/undeploy`);
  await at.work(worker);
  expect((await at.call('POST', `${path}/retire`)).body.status).toBe('retired');
  expect((await at.call('POST', `${path}/deploy`)).status).toBe(409);
});

test('an undeployment stops at whatever else its name leads to', async () => {
  const { job, tenant, worker } = await succeeded();
  const [kept] = job.checkpoints ?? [];
  const path = `${tenant.path}/adapters/${kept?.adapterId}`;
  await at.call('POST', `${path}/deploy`);
  await at.work(worker);
  const { directory } = at.agency.deps;
  const [final] = await directory.listModels(job.tenantId);
  const own = (await directory.listModels(job.tenantId)).find(({ alias }) => alias === kept?.model);
  if (own === undefined || final === undefined) throw new Error('no models');
  const { baseModel, adapterId, inferenceComponentName } = final;
  const shadow = { version: { baseModel, adapterId, inferenceComponentName }, percent: 10 };
  const audit = { id: 'aud_1', atMs: 0, actor: 'x', action: 'x', tenantId: null, reason: 'x', details: {} };
  await worker.rollouts.replace({
    previous: own,
    next: { ...own, rollout: { revision: 1, former: [], shadow } },
    record: {
      tenantId: own.tenantId,
      alias: own.alias,
      revision: 1,
      action: 'shadow',
      atMs: 0,
      actor: 'x',
      reason: 'x',
      stable: own,
      shadow,
    },
    audit,
  });
  const refused = await at.call('POST', `${path}/undeploy`);
  expect(refused).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining(own.alias) } },
  });
});

test('a checkpoint that does not pass its check is left out, and its job succeeds', async () => {
  const kept = { ...KEPT, 'adapter-epoch-3-step-9.tar.gz': tarGz([{ name: 'x.bin', data: 'x' }]) };
  const { job, left } = await succeeded(kept);
  expect(job.checkpoints?.map(({ step }) => step)).toEqual([6]);
  expect(await adaptersOf(job.tenantId)).toHaveLength(2);
  expect(await left()).toEqual(['progress.jsonl']);
});

test('a checkpoint with the content of another job’s has both names', async () => {
  const { job, worker, tenant } = await succeeded();
  const again = await newImportingJob(at, { tenant, archive: archiveOf(3), kept: KEPT });
  await receiveMessage(worker, again.message);
  await at.work(worker);
  const other = await jobNow(again.job);
  const [kept] = job.checkpoints ?? [];
  const [same] = other?.checkpoints ?? [];
  expect(same?.adapterId).toBe(kept?.adapterId);
  expect(same?.model).not.toBe(kept?.model);
  await at.call('POST', `${tenant.path}/adapters/${kept?.adapterId}/deploy`);
  await at.work(worker);
  expect(await aliasesOf(job.tenantId)).toEqual(expect.arrayContaining([kept?.model, same?.model]));
});

test('a job that is cancelled or fails registers none and leaves no weights in storage', async () => {
  const { endpoint, script } = scriptedEndpoint();
  const worker = at.desk(endpoint);
  const cancelled = await newImportingJob(at, { kept: KEPT });
  await cancelJob(worker.jobs, cancelled.ref);
  await receiveMessage(worker, cancelled.message);
  script.failureReason = 'it does not load';
  const failed = await newImportingJob(at, { kept: KEPT });
  await receiveMessage(worker, failed.message);
  await at.work(worker);
  expect([(await jobNow(cancelled.job))?.state, (await jobNow(failed.job))?.state]).toEqual([
    'cancelled',
    'failed',
  ]);
  for (const { job, left } of [cancelled, failed]) {
    const checkpoints = (await adaptersOf(job.tenantId)).filter(({ modelNames }) => modelNames !== undefined);
    expect(checkpoints).toEqual([]);
    expect(await aliasesOf(job.tenantId)).toEqual([]);
    expect(await left()).toEqual(['progress.jsonl']);
  }
});

/** Every third await where a change is judged, and each in `npm run test:deep`. */
const CRASH_STEP = process.env['TUNEGATE_DEEP'] === undefined ? 3 : 1;

test('a registration that dies at any await is finished by the reconciler, once', async () => {
  let tried = 0;
  for (let call = 1; ; call += CRASH_STEP) {
    const { endpoint, script } = scriptedEndpoint();
    script.creatingLooks = 0;
    const worker = at.desk(endpoint);
    at.jobs.clock.nowMs = worker.world.clock();
    const { job, message, left } = await newImportingJob(at, { kept: KEPT });
    // Up to where the adapter is deployed, and its job is about to end.
    await receiveMessage(worker, message);
    const adapterId = (await adaptersOf(job.tenantId))[0]?.id;
    await receiveMessage(worker, JSON.stringify({ kind: 'deploy', tenantId: job.tenantId, adapterId }));
    const { adapters, archives, directory, jobs, ...rest } = worker;
    const crashing = withCrash(
      { adapters, archives, directory, jobs: jobs.jobs, ledger: jobs.ledger },
      { call, when: 'after' },
    );
    const { jobs: store, ledger, ...ports } = crashing.ports;
    const mortal: DeployDesk = { ...rest, ...ports, jobs: { ...jobs, jobs: store, ledger } };
    let died = false;
    await receiveMessage(mortal, JSON.stringify({ ...JSON.parse(message), adapterId })).catch((error) => {
      if (!(error instanceof Crash)) throw error;
      died = true;
    });
    // The message was lost with its function: only the reconciler knows of the job.
    const sent: string[] = [];
    await reconcileJobs({
      ...at.jobs.desk,
      world: { clock: () => worker.world.clock() + JOB_LIMITS.silentWorkMs + 1 },
      objects: { read: async () => undefined },
      training: { describe: async () => undefined, stop: async () => undefined },
      imports: {
        send: async (sending) => void (sending.jobId === job.id && sent.push(JSON.stringify(sending))),
      },
      namePrefix: 'tunegate-test',
      instanceMicroUsdPerHour: 0,
      log: { warn: () => undefined },
    });
    for (const body of sent) await receiveMessage(worker, body);
    await at.work(worker);
    const now = await jobNow(job);
    const where = `after call ${call}`;
    expect({ where, state: now?.state, kept: now?.checkpoints?.map(({ step }) => step) }).toEqual({
      where,
      state: 'succeeded',
      kept: [9, 6],
    });
    expect(await adaptersOf(job.tenantId)).toHaveLength(3);
    await receiveMessage(worker, message); // what was received and not deleted comes again
    expect(await left()).toEqual(['progress.jsonl']);
    expect({ where, ...(await at.jobs.balance(job.tenantId)) }).toEqual({
      where,
      available: GRANTED - 36_000,
      held: 0,
    });
    tried = call;
    if (!died) break;
  }
  expect(tried).toBeGreaterThan(15);
}, 120_000);

test('a deployment that dies at any await has given its name by the next delivery, and an undeployment taken it', async () => {
  const { job, tenant, worker, script } = await succeeded();
  script.creatingLooks = 0;
  const [kept] = job.checkpoints ?? [];
  const ref = { tenantId: job.tenantId, adapterId: kept?.adapterId };
  const named = async () => (await aliasesOf(job.tenantId)).includes(kept?.model ?? '');
  let tried = 0;
  for (let call = 1; ; call += CRASH_STEP) {
    let died = false;
    for (const kind of ['deploy', 'undeploy'] as const) {
      await at.call('POST', `${tenant.path}/adapters/${kept?.adapterId}/${kind}`);
      const { adapters, directory, endpoint, queue, ...rest } = worker;
      const { ports } = withCrash({ adapters, directory, endpoint, queue }, { call, when: 'after' });
      await at.work({ ...rest, ...ports }).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        died = true;
      });
      await receiveMessage(worker, JSON.stringify({ kind, ...ref })); // it comes again
      await at.work(worker);
      expect({ call, kind, named: await named() }).toEqual({ call, kind, named: kind === 'deploy' });
    }
    tried = call;
    if (!died) break;
  }
  expect(tried).toBeGreaterThan(10);
}, 120_000);
