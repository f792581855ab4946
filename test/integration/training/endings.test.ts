import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { completeJob, failJob } from '#core/training/completeJob.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aDataset, GRANTED, makeTestDesk } from '#test/builders/jobs.ts';

let database: TestDatabase;
let at: ReturnType<typeof makeTestDesk>;
beforeAll(async () => {
  database = await startTestDatabase();
  at = makeTestDesk(database);
}, 60_000);
afterAll(() => database.stop());

const MODEL = { fineTunedModel: 'ft:tunegate-nano:support' };
const refOf = ({ tenantId, id }: TrainingJob) => ({ tenantId, jobId: id });

/** A job whose adapter waits to be deployed, trained for all its four epochs. */
async function importing(tenantId: TenantId): Promise<TrainingJob> {
  const ref = refOf(await at.newJob(tenantId));
  await at.advance(ref, 'waiting', { dataset: aDataset() });
  await at.advance(ref, 'starting');
  await at.advance(ref, 'training');
  return at.advance(ref, 'importing', { trainedEpochs: 4 });
}

test('a job that succeeds is charged for what was trained, and the rest of its hold comes back', async () => {
  const tenant = await at.newTenant();
  const job = await importing(tenant);
  expect(await at.balance(tenant)).toEqual({ available: GRANTED - 40_000, held: 40_000 });
  const done = await completeJob(at.desk, refOf(job), MODEL);
  expect(done).toMatchObject({ ok: true, value: { state: 'succeeded', verdict: { chargedTokens: 3_600 } } });
  expect(await at.balance(tenant)).toEqual({ available: GRANTED - 36_000, held: 0 });
});

test('completing a job again changes nothing, and with another model is refused', async () => {
  const tenant = await at.newTenant();
  const job = await importing(tenant);
  const first = await completeJob(at.desk, refOf(job), MODEL);
  expect(await completeJob(at.desk, refOf(job), MODEL)).toEqual(first);
  const other = await completeJob(at.desk, refOf(job), { fineTunedModel: 'ft:other' });
  expect(other).toMatchObject({ ok: false, error: { code: 'job_ended' } });
  expect(await failJob(at.desk, refOf(job), { code: 'late', message: 'too late' })).toMatchObject({
    ok: false,
  });
  expect(await at.balance(tenant)).toEqual({ available: GRANTED - 36_000, held: 0 });
});

test('a job that fails by our fault gives its whole hold back', async () => {
  const tenant = await at.newTenant();
  const job = await importing(tenant);
  const failed = await failJob(at.desk, refOf(job), { code: 'adapter_refused', message: 'It did not load.' });
  expect(failed).toMatchObject({ ok: true, value: { state: 'failed', verdict: { chargedMicro: 0 } } });
  expect(await at.balance(tenant)).toEqual({ available: GRANTED, held: 0 });
});

test('what is not trained yet, or not known, cannot be completed', async () => {
  const tenant = await at.newTenant();
  const job = await at.newJob(tenant);
  expect(await completeJob(at.desk, refOf(job), MODEL)).toMatchObject({ error: { code: 'not_importing' } });
  const unknown = { tenantId: tenant, jobId: 'ftjob-none' as TrainingJobId };
  expect(await completeJob(at.desk, unknown, MODEL)).toMatchObject({ error: { code: 'unknown_job' } });
  const otherTenant = { tenantId: await at.newTenant(), jobId: job.id };
  expect(await completeJob(at.desk, otherTenant, MODEL)).toMatchObject({ error: { code: 'unknown_job' } });
});

test('no tenant has more jobs at work than its share, and all together not more than there is room for', async () => {
  const [first, second] = [await at.newTenant(), await at.newTenant()];
  const refs = [];
  for (const tenant of [first, first, first, second, second]) {
    const ref = refOf(await at.newJob(tenant));
    await at.advance(ref, 'waiting', { dataset: aDataset() });
    refs.push(ref);
  }
  const [a, b, third, c, fourth] = refs;
  if (!(a && b && third && c && fourth)) throw new Error('not enough jobs');
  for (const ref of [a, b]) await at.advance(ref, 'starting');
  await expect(at.advance(third, 'starting')).rejects.toThrow('no_slot');
  await at.advance(c, 'starting');
  await expect(at.advance(fourth, 'starting')).rejects.toThrow('no_slot');
  await at.advance(a, 'waiting');
  await at.advance(third, 'starting');
  for (const ref of [b, c, third]) await at.advance(ref, 'waiting');
});

test('the history of a job has each change once, the newest first', async () => {
  const tenant = await at.newTenant();
  const job = await importing(tenant);
  await completeJob(at.desk, refOf(job), MODEL);
  await completeJob(at.desk, refOf(job), MODEL);
  const events = await at.desk.jobs.events(tenant, job.id);
  expect(events.map(({ message }) => message)).toEqual([
    'The job has successfully completed',
    'now importing',
    'now training',
    'now starting',
    'now waiting',
    'now created',
  ]);
});

test('the lists know open and ended jobs, by tenant', async () => {
  const tenant = await at.newTenant();
  const open = await at.newJob(tenant);
  const ended = await importing(tenant);
  await failJob(at.desk, refOf(ended), { code: 'x', message: 'x' });
  expect(await at.desk.jobs.list(tenant, { limit: 1 })).toMatchObject({
    jobs: [{ id: ended.id }],
    more: true,
  });
  const rest = await at.desk.jobs.list(tenant, { limit: 10, after: ended.id });
  expect(rest).toMatchObject({ jobs: [{ id: open.id }], more: false });
  const openIds = (await at.desk.jobs.listOpen()).map(({ id }) => id);
  expect(openIds).toContain(open.id);
  expect(openIds).not.toContain(ended.id);
  expect(await at.desk.jobs.findOpen(open.id)).toEqual(open);
  expect(await at.desk.jobs.findOpen(ended.id)).toBeUndefined();
});

test('the books stay in order through all of it', async () => {
  const source = makeAuditSource(database.client, `${database.prefix}ledger`);
  const report = await auditLedger(source);
  expect(report.violations).toEqual([]);
});
