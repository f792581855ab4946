import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATASET_LIMITS } from '#core/datasets/limits.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { createJob, type NewJob } from '#core/training/createJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import type { JobIntake } from '#core/training/ports.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import { Crash, type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { makeTestIntake, QUOTED } from '#test/builders/jobIntake.ts';
import { GRANTED } from '#test/builders/jobs.ts';

let database: TestDatabase;
let at: ReturnType<typeof makeTestIntake>;
beforeAll(async () => {
  database = await startTestDatabase();
  at = makeTestIntake(database);
}, 60_000);
afterAll(() => database.stop());

const KEY = { hash: 'key', bodyHash: 'body' };
const HELD_ONCE = { available: GRANTED - QUOTED.micro, held: QUOTED.micro };
const NOTHING_HELD = { available: GRANTED, held: 0 };

/** Asks for a job; a crash ends it at one of its calls. Answers how many calls there were. */
async function ask(wanted: NewJob, crash?: CrashPoint): Promise<number> {
  const { jobs, ledger, queue } = at.intake;
  const { ports, calls } = withCrash({ jobs, ledger, queue }, crash);
  try {
    const created = await createJob({ ...at.intake, ...ports }, wanted);
    expect(created.ok).toBe(true);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  return calls();
}
const jobsOf = async (tenant: TenantId) => (await at.desk.jobs.list(tenant, { limit: 100 })).jobs;
async function aTenantWithFile() {
  const tenant = await at.newTenant();
  return { tenant, file: await at.newFile(tenant) };
}

describe('a request with an idempotency key', () => {
  test('that is repeated answers the same job, and holds its price once', async () => {
    const { tenant, file } = await aTenantWithFile();
    const wanted = at.wanted(tenant, file, { requestKey: KEY });
    const first = await createJob(at.intake, wanted);
    expect(await createJob(at.intake, wanted)).toEqual(first);
    expect(await jobsOf(tenant)).toHaveLength(1);
    expect(await at.balance(tenant)).toEqual(HELD_ONCE);
  });

  test('that comes many times at once makes one job', async () => {
    const { tenant, file } = await aTenantWithFile();
    const wanted = at.wanted(tenant, file, { requestKey: KEY });
    const answers = await Promise.all(Array.from({ length: 6 }, () => createJob(at.intake, wanted)));
    expect(await jobsOf(tenant)).toHaveLength(1);
    const ids = answers.map((answer) => (answer.ok ? answer.value.id : answer.error.code));
    expect(new Set(ids).size).toBe(1);
    expect(await at.balance(tenant)).toEqual(HELD_ONCE);
  });

  test('and another body is refused; of another tenant it is another key', async () => {
    const { tenant, file } = await aTenantWithFile();
    await createJob(at.intake, at.wanted(tenant, file, { requestKey: KEY }));
    const other = at.wanted(tenant, file, { requestKey: { ...KEY, bodyHash: 'other' } });
    expect(await createJob(at.intake, other)).toEqual({
      ok: false,
      error: { code: 'idempotency_key_reused' },
    });
    const stranger = await aTenantWithFile();
    const theirs = await createJob(at.intake, at.wanted(stranger.tenant, stranger.file, { requestKey: KEY }));
    expect(theirs).toMatchObject({ ok: true, value: { tenantId: stranger.tenant } });
  });

  test('that had no credits may be repeated when there are some', async () => {
    const { tenant, file } = await aTenantWithFile();
    const wanted = at.wanted(tenant, file, { requestKey: KEY });
    const drained = { ...at.intake.ledger, placeHold: async () => REFUSED };
    expect(await createJob({ ...at.intake, ledger: drained }, wanted)).toMatchObject({
      error: { code: 'not_held' },
    });
    expect(await createJob(at.intake, wanted)).toMatchObject({ ok: true, value: { state: 'created' } });
    expect(await at.balance(tenant)).toEqual(HELD_ONCE);
  });
});

test('files that have more bytes together than one function can read are refused', async () => {
  const { tenant, file: trainingFile } = await aTenantWithFile();
  const half = DATASET_LIMITS.fileBytes / 2;
  const sized = (bytes: number): JobIntake['files'] => ({
    read: async (of, id) => {
      const found = await at.intake.files.read(of, id);
      return found === undefined ? undefined : { ...found, bytes };
    },
  });
  const wanted = at.wanted(tenant, trainingFile, { validationFile: trainingFile });
  expect(await createJob({ ...at.intake, files: sized(half + 1) }, wanted)).toMatchObject({
    error: { code: 'unusable_file', param: 'validation_file', message: expect.stringContaining('together') },
  });
  expect(await createJob({ ...at.intake, files: sized(half) }, wanted)).toMatchObject({ ok: true });
});

const REFUSED = {
  ok: false,
  error: { code: 'account_not_found' },
} as const;

describe('wherever a request dies', () => {
  test('its repeat with the same key makes one job with one hold', async () => {
    const { tenant, file } = await aTenantWithFile();
    const calls = await ask(at.wanted(tenant, file, { requestKey: KEY }));
    expect(calls).toBeGreaterThan(4);
    for (let call = 1; call <= calls; call++) {
      for (const when of ['before', 'after'] as const) {
        const one = await aTenantWithFile();
        const wanted = at.wanted(one.tenant, one.file, { requestKey: KEY });
        await ask(wanted, { call, when });
        await ask(wanted);
        expect({ call, when, jobs: await jobsOf(one.tenant) }).toMatchObject({
          call,
          when,
          jobs: [{ state: 'created' }],
        });
        expect(await at.balance(one.tenant)).toEqual(HELD_ONCE);
        expect(at.sent.some(({ tenantId }) => tenantId === one.tenant)).toBe(true);
      }
    }
  }, 60_000);

  test('without one, either its job is there with its hold, or nothing is held once it is cleared away', async () => {
    const { tenant, file } = await aTenantWithFile();
    const calls = await ask(at.wanted(tenant, file));
    const died: TenantId[] = [];
    for (let call = 1; call <= calls; call++) {
      for (const when of ['before', 'after'] as const) {
        const one = await aTenantWithFile();
        await ask(at.wanted(one.tenant, one.file), { call, when });
        died.push(one.tenant);
      }
    }
    at.clock.nowMs += JOB_LIMITS.silentWorkMs + 1;
    await reconcileJobs(at.desk);
    const outcomes = new Set<string>();
    for (const one of died) {
      const [job] = await jobsOf(one);
      outcomes.add(job?.state ?? 'none');
      expect(await at.balance(one)).toEqual(job === undefined ? NOTHING_HELD : HELD_ONCE);
    }
    expect(outcomes).toEqual(new Set(['none', 'created']));
    // What was lost with the message is sent again.
    for (const one of died)
      if ((await jobsOf(one)).length > 0) expect(at.sent.some(({ tenantId }) => tenantId === one)).toBe(true);
  }, 60_000);
});
