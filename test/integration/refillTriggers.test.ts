import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sweepRefills } from '#core/refill/sweepRefills.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { makeRefillWatch } from '#io/refillWatch.ts';
import { aGrant } from '#test/builders/ledger.ts';
import { startTestRefills, type TestRefills } from '#test/builders/refills.ts';

let refills: TestRefills;
const asked: TenantId[] = [];
const queue = { send: async ({ tenantId }: { readonly tenantId: TenantId }) => void asked.push(tenantId) };
beforeAll(async () => {
  refills = await startTestRefills();
});
afterAll(() => refills.stop());
beforeEach(() => {
  asked.length = 0;
});

const watch = (over: object = {}) =>
  makeRefillWatch({ ...refills.deps, queue, clock: () => refills.clock.nowMs, ...over }, (error) => {
    throw error;
  });
const sweep = () =>
  sweepRefills({ ...refills.deps, queue, clock: () => refills.clock.nowMs }).then(({ stuck }) => stuck);

test('a settlement asks for a refill below the threshold, and not above it', async () => {
  const low = await refills.newTenant();
  const rich = await refills.newTenant();
  await refills.ledger.grant(aGrant(rich, 'rich', { amountMicro: micro(11_000_000) }));
  await watch()([low, rich, low]);
  expect(asked).toEqual([low]);
});

test('a tenant that wants no refills is asked about once a minute', async () => {
  const tenantId = await refills.newTenant({ isEnabled: false });
  let reads = 0;
  const store = {
    read: (id: TenantId) => {
      reads += 1;
      return refills.refills.read(id);
    },
  };
  const watching = watch({ store });
  for (let batch = 0; batch < 5; batch += 1) await watching([tenantId]);
  expect(reads).toBe(1);
  refills.clock.nowMs += 60_000;
  await watching([tenantId]);
  expect([reads, asked]).toEqual([2, []]);
});

test('a trigger that fails is reported and stops no settlement', async () => {
  const failures: unknown[] = [];
  const broken = { send: async () => Promise.reject(new Error('the queue is away')) };
  const tenantId = await refills.newTenant();
  const clock = () => refills.clock.nowMs;
  await makeRefillWatch({ ...refills.deps, queue: broken, clock }, (error) => failures.push(error))([
    tenantId,
  ]);
  expect(failures).toMatchObject([{ message: 'the queue is away' }]);
});

test('the sweep asks for what is due, open or just given a method, and for nothing else', async () => {
  const due = await refills.newTenant();
  const open = await refills.newTenant();
  await refills.dodo.post('/_sim/charges', { outcomes: ['processing'] });
  await refills.refill(open);
  const rich = await refills.newTenant({}, { withMethod: false });
  await refills.ledger.grant(aGrant(rich, 'rich', { amountMicro: micro(11_000_000) }));
  const off = await refills.newTenant({ isEnabled: false });
  await sweep();
  expect([due, open, rich, off].map((id) => asked.includes(id))).toEqual([true, true, false, false]);

  const state = await refills.refills.read(rich);
  if (state === undefined) throw new Error('the tenant has no refills');
  await refills.refills.save({ ...state, version: 2, mandateAskedAtMs: refills.clock.nowMs });
  await sweep();
  expect(asked).toContain(rich);
  await refills.giveMethod(rich);
  expect(await refills.refill(rich)).toMatchObject({ rests: 'enough_credits' });
  expect(await refills.refills.read(rich)).toMatchObject({ mandateId: expect.stringMatching(/^sub_/) });
});

test('an intent that is open for more than a day is named', async () => {
  const tenantId = await refills.newTenant();
  await refills.dodo.post('/_sim/charges', { outcomes: ['processing'] });
  await refills.refill(tenantId);
  expect(await sweep()).not.toContain(tenantId);
  refills.clock.nowMs += 24 * 3_600_000 + 1;
  expect(await sweep()).toContain(tenantId);
});
