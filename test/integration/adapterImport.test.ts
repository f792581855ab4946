import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { undeployAdapter } from '#core/adapters/directAdapter.ts';
import type { DeployDesk } from '#core/adapters/ports.ts';
import { receiveMessage } from '#core/adapters/receiveMessage.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import { failJob } from '#core/training/completeJob.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { scriptedEndpoint, startAdapterDesk } from '#test/builders/adapters.ts';
import { tarGz } from '#test/builders/archives.ts';
import { Crash, withCrash } from '#test/builders/crash.ts';
import { newImportingJob } from '#test/builders/importingJob.ts';
import { GRANTED } from '#test/builders/jobs.ts';

type Desk = Awaited<ReturnType<typeof startAdapterDesk>>;
let at: Desk;
beforeAll(async () => {
  at = await startAdapterDesk();
}, 60_000);
afterAll(() => at.stop());

const importingJob = (archive?: Uint8Array) => newImportingJob(at, { archive });
const jobNow = ({ tenantId, id }: TrainingJob) => at.jobs.desk.jobs.read(tenantId, id);
const modelsOf = (tenantId: TenantId) => at.agency.deps.directory.listModels(tenantId);

test('a trained adapter is registered with its lineage, deployed, given a name, and its job succeeds', async () => {
  const { endpoint } = scriptedEndpoint();
  const { job, tenant, message } = await importingJob();
  await receiveMessage(at.desk(endpoint), message);
  expect(await jobNow(job)).toMatchObject({ state: 'importing' });
  await at.work(at.desk(endpoint));
  const done = await jobNow(job);
  expect(done).toMatchObject({ state: 'succeeded' });
  const [model] = await modelsOf(job.tenantId);
  expect(model?.alias).toBe(done?.verdict?.fineTunedModel);
  expect(model?.alias).toMatch(/^ft:tunegate-nano::/);
  const adapter = (await at.call('GET', `${tenant.path}/adapters/${model?.adapterId}`)).body;
  expect(adapter).toMatchObject({
    status: 'deployed',
    lineage: {
      source: 'training_job',
      fine_tuning_job: job.id,
      dataset: { sha256: 'a'.repeat(64), examples: 90 },
      hyper_parameters: { rank: 8 },
    },
    fingerprint: { probes: [{ messages: [{ content: 'Where is it?' }] }, {}] },
  });
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED - 36_000, held: 0 });
});

test('the same message again and again makes one adapter, one component and one charge', async () => {
  const { endpoint, script } = scriptedEndpoint();
  const { job, message } = await importingJob();
  const worker = at.desk(endpoint);
  await Promise.all([receiveMessage(worker, message), receiveMessage(worker, message)]);
  await receiveMessage(worker, message);
  await at.work(worker);
  await receiveMessage(worker, message);
  await at.work(worker);
  expect(script.created).toBe(1);
  expect(await modelsOf(job.tenantId)).toHaveLength(1);
  expect((await worker.adapters.list(job.tenantId, { limit: 10 })).adapters).toHaveLength(1);
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED - 36_000, held: 0 });
});

test('a hostile archive fails the job, which gets its credits back and tells nothing of our insides', async () => {
  const { job, message } = await importingJob(tarGz([{ name: 'adapter_model.bin', data: 'x' }]));
  await receiveMessage(at.desk(scriptedEndpoint().endpoint), message);
  const failed = await jobNow(job);
  expect(failed).toMatchObject({ state: 'failed', verdict: { error: { code: 'member_is_pickle' } } });
  expect(failed?.verdict?.error?.message).not.toMatch(/tenants\/|adapter_model/);
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED, held: 0 });
});

test('an adapter that the endpoint cannot load fails its job, and leaves no component', async () => {
  const { endpoint, script, components } = scriptedEndpoint();
  script.failureReason = 'rank too high';
  const { job, message } = await importingJob();
  const failuresBefore = at.failures.length;
  await receiveMessage(at.desk(endpoint), message);
  await at.work(at.desk(endpoint));
  expect(await jobNow(job)).toMatchObject({
    state: 'failed',
    verdict: {
      error: { code: 'adapter_not_deployed', message: expect.not.stringContaining('rank too high') },
    },
  });
  expect(components.size).toBe(0);
  expect(await modelsOf(job.tenantId)).toEqual([]);
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED, held: 0 });
  expect(at.failures.length - failuresBefore).toBe(1);
});

test('a job that was cancelled meanwhile leaves no model and no component', async () => {
  const { endpoint, components } = scriptedEndpoint();
  const { job, ref, message } = await importingJob();
  const worker = at.desk(endpoint);
  const completing: DeployDesk = {
    ...worker,
    directory: {
      ...worker.directory,
      createModel: async (...args) => {
        const created = await worker.directory.createModel(...args);
        await failJob(worker.jobs, ref, { code: 'cancelled', message: 'cancelled' });
        return created;
      },
    },
  };
  await receiveMessage(completing, message);
  await at.work(completing);
  await at.work(worker);
  expect(await jobNow(job)).toMatchObject({ state: 'failed' });
  expect(await modelsOf(job.tenantId)).toEqual([]);
  expect(components.size).toBe(0);
});

test('an adapter that is taken down in the moment in which its model gets its name fails the job, which pays nothing', async () => {
  const { endpoint, components } = scriptedEndpoint();
  const { job, message } = await importingJob();
  const worker = at.desk(endpoint);
  const naming: DeployDesk = {
    ...worker,
    directory: {
      ...worker.directory,
      createModel: async (model, audit, use) => {
        const ref = { tenantId: job.tenantId, adapterId: use?.adapterId ?? ('adp_none' as AdapterId) };
        const down = await undeployAdapter(worker, ref, { actor: 'agency', reason: 'not this one' });
        expect(down.ok).toBe(true);
        return worker.directory.createModel(model, audit, use);
      },
    },
  };
  await receiveMessage(naming, message);
  await at.work(naming);
  expect(await jobNow(job)).toMatchObject({
    state: 'failed',
    verdict: { error: { code: 'adapter_not_deployed' } },
  });
  expect([await modelsOf(job.tenantId), components.size]).toEqual([[], 0]);
  expect(await at.jobs.balance(job.tenantId)).toEqual({ available: GRANTED, held: 0 });
});

test('a job that its client cancels while its adapter is deployed leaves nothing in service', async () => {
  const { endpoint, components } = scriptedEndpoint();
  const { job, ref, message } = await importingJob();
  const worker = at.desk(endpoint);
  await receiveMessage(worker, message);
  expect(components.size).toBe(1);
  expect(await cancelJob(worker.jobs, ref)).toMatchObject({ value: { state: 'cancelled' } });
  await at.work(worker);
  expect(await modelsOf(job.tenantId)).toEqual([]);
  expect(components.size).toBe(0);
});

/** Every third await where a change is judged, and each in `npm run test:deep`. */
const CRASH_STEP = process.env['TUNEGATE_DEEP'] === undefined ? 3 : 1;

test('an import that dies at any await is finished by its next delivery, and charges once', async () => {
  const isolated = (worker: DeployDesk, point: Parameters<typeof withCrash>[1]) => {
    const { adapters, archives, queue, directory, endpoint, jobs } = worker;
    const { jobs: jobStore, ledger } = jobs;
    const crashing = withCrash({ adapters, archives, queue, directory, endpoint, jobStore, ledger }, point);
    const { jobStore: store, ledger: book, ...ports } = crashing.ports;
    return {
      calls: crashing.calls,
      desk: { ...worker, ...ports, jobs: { ...jobs, jobs: store, ledger: book } },
    };
  };
  let tried = 0;
  for (let call = 1; ; call += CRASH_STEP) {
    const { endpoint, script } = scriptedEndpoint();
    script.creatingLooks = 0;
    const { job, message } = await importingJob();
    const worker = at.desk(endpoint);
    const crashing = isolated(worker, { call, when: 'after' });
    // Deliver as SQS does: what threw comes again; the process that died is gone, so the next one is whole.
    let died = false;
    const deliver = async (body: string): Promise<void> => {
      try {
        await receiveMessage(died ? worker : crashing.desk, body);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        died = true;
        await receiveMessage(worker, body);
      }
    };
    await deliver(message);
    await at.work(died ? worker : crashing.desk).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
      died = true;
    });
    await receiveMessage(worker, message); // what was received and not deleted comes again
    await at.work(worker);
    const where = `after call ${call}`;
    expect({ where, state: (await jobNow(job))?.state }).toEqual({ where, state: 'succeeded' });
    expect({ where, models: (await modelsOf(job.tenantId)).length }).toEqual({ where, models: 1 });
    expect({ where, ...(await at.jobs.balance(job.tenantId)) }).toEqual({
      where,
      available: GRANTED - 36_000,
      held: 0,
    });
    expect({ where, created: script.created }).toEqual({ where, created: 1 });
    tried = call;
    if (!died) break;
  }
  expect(tried).toBeGreaterThan(20);
}, 120_000);

test('an export holds the adapter twice, its dataset, its lineage and checksums that agree', async () => {
  const { endpoint } = scriptedEndpoint();
  const { job, tenant, message } = await importingJob();
  await receiveMessage(at.desk(endpoint), message);
  await at.work(at.desk(endpoint));
  const [model] = await modelsOf(job.tenantId);
  const exported = await at.call('POST', `/adapters/${model?.adapterId}/export`, undefined, tenant.apiKey);
  expect(exported).toMatchObject({ status: 200, body: { object: 'adapter.export' } });
  const folder = mkdtempSync(join(tmpdir(), 'tunegate-export-'));
  try {
    const archive = Buffer.from(await (await fetch(exported.body.url)).arrayBuffer());
    expect(archive.length).toBe(exported.body.bytes);
    writeFileSync(join(folder, 'export.tar.gz'), archive);
    execFileSync('tar', ['-xzf', 'export.tar.gz'], { cwd: folder });
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n');
    for (const line of sums) {
      const [sha256, name = ''] = line.split('  ');
      expect(
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ).toBe(sha256);
    }
    expect(sums.map((line) => line.slice(66)).sort()).toEqual([
      'README.txt',
      'dataset/train/train.jsonl',
      'gguf/adapter.gguf',
      'lineage.json',
      'peft/adapter_config.json',
      'peft/adapter_model.safetensors',
      'peft/lineage.json',
    ]);
    expect(readFileSync(join(folder, 'gguf/adapter.gguf')).subarray(0, 4).toString()).toBe('GGUF');
    const lineage = JSON.parse(readFileSync(join(folder, 'lineage.json'), 'utf8'));
    expect(lineage).toMatchObject({ adapter: model?.adapterId, lineage: { jobId: job.id } });

    // Nothing of the moment is in it: exported twice at once, it is the same bytes, whichever of them lies there.
    const second = await at.call('POST', `/adapters/${model?.adapterId}/export`, undefined, tenant.apiKey);
    expect(second.body.sha256).toBe(exported.body.sha256);
    const registeredSec = Math.floor(Date.parse(lineage.registered_at) / 1_000);
    for (const line of sums) {
      const { mtimeMs } = statSync(join(folder, line.slice(66)));
      expect(Math.floor(mtimeMs / 1_000)).toBe(registeredSec);
    }

    // What was taken away is brought back: to its own tenant as the same adapter, to another with its lineage.
    execFileSync('tar', ['-czf', 'again.tar.gz', '-C', 'peft', '.'], { cwd: folder });
    const again = readFileSync(join(folder, 'again.tar.gz'));
    const same = await at.register(`/admin/tenants/${job.tenantId}`, again);
    expect(same).toMatchObject({ status: 200, body: { id: model?.adapterId, status: 'deployed' } });
    const other = await at.register((await at.agency.newTenant()).path, again);
    expect(other).toMatchObject({ status: 201, body: { status: 'registered' } });
    const { dataset, hyper_parameters, metrics, versions } = same.body.lineage;
    expect(dataset.sha256).toBe(lineage.lineage.dataset.sha256);
    expect(other.body.lineage).toMatchObject({ dataset, hyper_parameters, metrics, versions });
    expect(other.body.sha256).toEqual(same.body.sha256);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
