import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { jobOfAttempt } from '#core/training/trainingRequest.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { anyCrash, anyHappening, bringToEnd, happen } from '#test/builders/jobHistories.ts';
import { GRANTED } from '#test/builders/jobs.ts';
import { patienceMs, runs } from '#test/builders/runs.ts';
import { makeTrainingDesk } from '#test/builders/trainingWorld.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(async () => {
  const report = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  await database.stop();
  expect(report.violations).toEqual([]);
  expect(report.openHolds).toBe(0);
});

const history = fc.record({
  /** How many jobs each tenant has. */
  jobs: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
  happenings: fc.array(fc.tuple(anyHappening, anyCrash), { minLength: 5, maxLength: 25, size: 'max' }),
});

type World = ReturnType<typeof makeTrainingDesk>;

/** What SageMaker is at work on is within the slots, and never twice the same job. */
function expectWithinSlots({ sageMaker, desk }: World, jobs: readonly TrainingJob[]): void {
  const atWork = sageMaker.atWork().map((name) => jobOfAttempt(desk.namePrefix, name));
  const tenants = Map.groupBy(atWork, (id) => jobs.find((job) => job.id === id)?.tenantId);
  expect(new Set(atWork).size).toBe(atWork.length);
  expect(atWork.length).toBeLessThanOrEqual(desk.slots.overall);
  for (const ids of tenants.values()) expect(ids.length).toBeLessThanOrEqual(desk.slots.perTenant);
}

/** Charged for what was trained, never above the quote, and nothing where we failed. */
function expectFair(job: TrainingJob): void {
  const { state, verdict, quote, dataset, hyperParameters } = job;
  const whole = (dataset?.tokensPerEpoch ?? 0) * hyperParameters.epochs;
  expect(verdict?.outcome).toBe(state);
  expect(verdict?.chargedMicro).toBeLessThanOrEqual(quote.amountMicro);
  if (state === 'succeeded') expect(verdict?.chargedTokens).toBe(whole);
  expect(job.checkpoints).toHaveLength(state === 'succeeded' ? 1 : 0);
  if (state === 'failed' && verdict?.error?.code !== 'invalid_dataset') expect(verdict?.chargedMicro).toBe(0);
  expect(verdict?.chargedTokens).toBeLessThanOrEqual(whole);
}

test(
  'every job ends once, is charged once, and leaves no hold, whatever happens to it and wherever it dies',
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ jobs: counts, happenings }) => {
        const world = makeTrainingDesk(database);
        const tenants: TenantId[] = [];
        const jobs: TrainingJob[] = [];
        for (const count of counts) {
          const tenant = await world.newTenant();
          tenants.push(tenant);
          for (let i = 0; i < count; i++) jobs.push(await world.newJob(tenant, 12));
        }
        for (const [happening, crash] of happenings) {
          await happen(world, jobs, happening, crash ?? undefined);
          expectWithinSlots(world, jobs);
        }
        const ended = await bringToEnd(world, tenants);
        expect(ended).toHaveLength(jobs.length);
        for (const job of ended) expectFair(job);
        expect(world.sageMaker.atWork()).toEqual([]);
        for (const tenant of tenants) {
          const charged = ended
            .filter(({ tenantId }) => tenantId === tenant)
            .reduce((sum, { verdict }) => sum + (verdict?.chargedMicro ?? 0), 0);
          expect(await world.balance(tenant)).toEqual({ available: GRANTED - charged, held: 0 });
        }
      }),
      runs(4),
    );
  },
  patienceMs(120_000),
);
