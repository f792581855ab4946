import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import { startJobs } from '#core/training/startJobs.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { GRANTED } from '#test/builders/jobs.ts';
import { makeTrainingDesk } from '#test/builders/trainingWorld.ts';

let database: TestDatabase;
let at: ReturnType<typeof makeTrainingDesk>;
beforeAll(async () => {
  database = await startTestDatabase();
  at = makeTrainingDesk(database);
}, 60_000);
afterAll(() => database.stop());

const refOf = ({ tenantId, id }: TrainingJob) => ({ tenantId, jobId: id });
const read = async (job: TrainingJob) => (await at.desk.jobs.read(job.tenantId, job.id)) ?? job;

describe('making a dataset version', () => {
  /** A desk on which every version takes as long as the test likes. */
  const slowly = () => {
    const begun: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const read = async (key: string) => {
      if (key.endsWith('content.jsonl')) {
        begun.push(key);
        await held;
      }
      return at.desk.objects.read(key);
    };
    return { desk: { ...at.desk, objects: { ...at.desk.objects, read } }, begun, release };
  };

  test('is done once, however often its message comes', async () => {
    const tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    const { desk, begun, release } = slowly();
    const first = startJobs(desk, refOf(job));
    await expect.poll(() => begun.length).toBe(1);
    await startJobs(desk, refOf(job));
    release();
    await first;
    expect(begun).toHaveLength(1);
    expect((await read(job)).state).toBe('training');
  });

  test('is begun again when whoever did it died, and given up after the third, for nothing', async () => {
    const tenant = await at.newTenant();
    const job = await at.newJob(tenant);
    const dead = async () => {
      throw new Error('out of memory');
    };
    const desk = { ...at.desk, objects: { ...at.desk.objects, read: dead } };
    for (let time = 0; time < JOB_LIMITS.preparations; time++) {
      await expect(startJobs(desk, refOf(job))).rejects.toThrow('out of memory');
      await startJobs(at.desk, refOf(job)); // too soon: it may still be at work
      expect((await read(job)).state).toBe('created');
      at.clock.nowMs += JOB_LIMITS.silentWorkMs + 1;
      const sent = at.sent.length;
      await reconcileJobs(at.desk);
      expect(at.sent.slice(sent).some(({ jobId }) => jobId === job.id)).toBe(true);
    }
    await startJobs(at.desk, refOf(job));
    expect(await read(job)).toMatchObject({
      state: 'failed',
      verdict: { chargedTokens: 0, error: { code: 'dataset_failed' } },
    });
    expect(await at.balance(tenant)).toEqual({ available: GRANTED, held: 0 });
  });

  test('leaves room for other tenants: the third of one waits', async () => {
    const tenant = await at.newTenant();
    const { desk, begun, release } = slowly();
    const jobs = [await at.newJob(tenant), await at.newJob(tenant), await at.newJob(tenant)];
    const other = await at.newJob(await at.newTenant());
    const working = jobs.slice(0, 2).map((job) => startJobs(desk, refOf(job)));
    await expect.poll(() => begun.length).toBe(2);
    const third = jobs.slice(2).map((job) => startJobs(desk, refOf(job)));
    await Promise.all(third);
    expect(begun).toHaveLength(2);
    expect(at.sent.at(-1)?.jobId).toBe(jobs[2]?.id);
    working.push(startJobs(desk, refOf(other)));
    await expect.poll(() => begun.length).toBe(3);
    release();
    await Promise.all(working);
  });
});
