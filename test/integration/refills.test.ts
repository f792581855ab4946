import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refillTenant } from '#core/refill/refillTenant.ts';
import { renewMethod } from '#core/refill/renewMethod.ts';
import { micro } from '#core/shared/money.ts';
import { Crash, type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { startTestRefills, type TestRefills } from '#test/builders/refills.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TOO_LATE_MS = 16 * MINUTE_MS;

let refills: TestRefills;
beforeAll(async () => {
  refills = await startTestRefills();
  // Whatever is granted here is granted without a webhook.
  await refills.dodo.post('/_sim/faults', { webhooks: { hold: true } });
});
afterAll(() => refills.stop());
beforeEach(async () => {
  refills.notices.length = 0;
  await refills.dodo.post('/_sim/faults', { api: [] });
  await refills.dodo.post('/_sim/charges', { outcomes: [] });
});

const fault = (path: string, kind: number | 'hang' | 'drop', more: object = {}) =>
  refills.dodo.post('/_sim/faults', { api: [{ path, kind, ...more }] });

/** Runs it again and again, with time passing in between, as the sweep does. */
async function runOn(tenantId: Parameters<TestRefills['refill']>[0], times = 3) {
  for (let count = 0; count < times; count += 1) {
    refills.clock.nowMs += TOO_LATE_MS;
    await refills.refill(tenantId);
  }
}

test('below the threshold the pack is bought once, and what it brings is enough', async () => {
  const tenantId = await refills.newTenant();
  expect(await refills.refill(tenantId)).toMatchObject({
    ended: [{ outcome: 'succeeded' }],
    rests: 'enough_credits',
  });
  await refills.refill(tenantId);
  expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
  expect(refills.notices).toEqual([]);
});

test('many runs at once make one charge and one grant', async () => {
  const tenantId = await refills.newTenant();
  await Promise.all(Array.from({ length: 8 }, () => refills.refill(tenantId)));
  await refills.refill(tenantId);
  expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
});

test('the monthly limit ends the refills of the month, with one notice', async () => {
  const tenantId = await refills.newTenant({ thresholdMicro: micro(1_000_000_000), monthlyLimit: 2 });
  await refills.refill(tenantId);
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [], rests: 'limit_reached' });
  expect(await refills.charged(tenantId)).toEqual([5_000, 5_000]);
  expect(refills.notices).toMatchObject([{ content: { kind: 'refill_limit_reached', limit: 2 } }]);
  refills.clock.nowMs += 32 * 24 * HOUR_MS;
  await refills.refill(tenantId);
  expect(await refills.charged(tenantId)).toHaveLength(4);
});

test('without a payment method nothing happens until one is given', async () => {
  const tenantId = await refills.newTenant({}, { withMethod: false });
  expect(await refills.refill(tenantId)).toMatchObject({ rests: 'no_payment_method' });
  await refills.giveMethod(tenantId);
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [{ outcome: 'succeeded' }] });
});

test('a suspended account is not refilled', async () => {
  const tenantId = await refills.newTenant();
  await refills.ledger.setStatus(tenantId, 'suspended');
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [], rests: 'account_not_active' });
  expect(await refills.charged(tenantId)).toEqual([]);
});

test('a charge that fails is told, waits longer each time, and in the end stops', async () => {
  const tenantId = await refills.newTenant();
  await refills.dodo.post('/_sim/charges', { outcomes: ['failed', 'failed', 'failed', 'failed', 'failed'] });
  for (const hours of [1, 6, 24]) {
    expect(await refills.refill(tenantId)).toMatchObject({
      ended: [{ outcome: 'failed' }],
      rests: 'backing_off',
    });
    refills.clock.nowMs += hours * HOUR_MS - 1;
    expect(await refills.refill(tenantId)).toMatchObject({ ended: [], rests: 'backing_off' });
    refills.clock.nowMs += 1;
  }
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [{ outcome: 'failed' }], rests: 'stopped' });
  expect(refills.notices.map(({ content }) => content.kind)).toEqual([
    'refill_failed',
    'refill_failed',
    'refill_failed',
    'refill_stopped',
  ]);
  expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['0', []]);
});

test('another payment method ends the wait, and is no subscription of a plan', async () => {
  const tenantId = await refills.newTenant();
  await refills.dodo.post('/_sim/charges', { outcomes: ['failed'] });
  await refills.refill(tenantId);
  const tenant = await refills.directory.readTenant(tenantId);
  const { items } = await refills.dodo.sdk.subscriptions.list({
    customer_id: tenant?.dodoCustomerId ?? '',
    page_number: 0,
  });
  await refills.dodo.post('/_sim/idle');
  await refills.dodo.post('/_sim/faults', { webhooks: { hold: false } });
  refills.refillQueue.length = 0;
  await refills.dodo.post('/_sim/subscription', { subscription_id: items[0]?.subscription_id });
  await refills.settle();
  await refills.dodo.post('/_sim/faults', { webhooks: { hold: true } });
  const told = refills.refillQueue.filter((message) => message.tenantId === tenantId);
  expect(told).toContainEqual({ tenantId, customerId: tenant?.dodoCustomerId });
  expect(refills.subscriptionQueue).toEqual([]);

  await renewMethod(refills.deps, { tenantId, customerId: 'cus_of_another' });
  expect(await refills.refill(tenantId)).toMatchObject({ rests: 'backing_off' });
  await renewMethod(refills.deps, { tenantId, customerId: tenant?.dodoCustomerId ?? '' });
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [{ outcome: 'succeeded' }] });
});

test('a failure gives its place in the month back, and a success forgets the failures', async () => {
  const tenantId = await refills.newTenant({ monthlyLimit: 1 });
  await refills.dodo.post('/_sim/charges', { outcomes: ['failed'] });
  await refills.refill(tenantId);
  refills.clock.nowMs += HOUR_MS;
  await refills.refill(tenantId);
  expect(await refills.refills.read(tenantId)).toMatchObject({ failures: 0, refillsInMonth: 1, open: null });
  expect(await refills.available(tenantId)).toBe('50');
});

test('a charge that is processed for long is waited for, and nothing else is bought meanwhile', async () => {
  const tenantId = await refills.newTenant();
  await refills.dodo.post('/_sim/charges', { outcomes: ['processing'] });
  expect(await refills.refill(tenantId)).toMatchObject({ ended: [], rests: 'payment_open' });
  await runOn(tenantId);
  const state = await refills.refills.read(tenantId);
  await refills.dodo.post('/_sim/payment', { payment_id: state?.open?.paymentId, status: 'succeeded' });
  await refills.refill(tenantId);
  expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
});

test('what was charged is the offer of then, though the pack has another price now', async () => {
  const tenantId = await refills.newTenant();
  await fault('/subscriptions/', 500);
  await refills.refill(tenantId);
  const dearer = refills.deps.catalogue.packs.map((pack) => ({ ...pack, priceMinor: 9_900 }));
  refills.clock.nowMs += TOO_LATE_MS;
  await refills.refill(tenantId, { catalogue: { ...refills.deps.catalogue, packs: dearer } });
  await refills.refill(tenantId, { catalogue: { ...refills.deps.catalogue, packs: dearer } });
  expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
});

describe('one charge and one grant, when Dodo', () => {
  const CHARGE = '/subscriptions/';
  const cases: readonly [string, () => Promise<unknown>][] = [
    ['answers 500 to the charge', () => fault(CHARGE, 500)],
    ['answers 409 to the charge', () => fault(CHARGE, 409)],
    ['answers 429 to the charge', () => fault(CHARGE, 429)],
    ['charges and cuts the connection', () => fault(CHARGE, 'drop')],
    ['never answers and never charges', () => fault(CHARGE, 'hang')],
    ['answers 500 to three charges', () => fault(CHARGE, 500, { times: 3 })],
    ['is down when the payment is looked up', () => fault('/payments', 503, { times: 2 })],
    ['is down when the payment method is looked up', () => fault('/subscriptions', 503, { times: 1 })],
  ];
  test.each(cases)('%s', async (_name, arrange) => {
    const tenantId = await refills.newTenant();
    await arrange();
    await refills.refill(tenantId);
    await runOn(tenantId, 5);
    expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
    expect(await refills.refills.read(tenantId)).toMatchObject({ open: null, refillsInMonth: 1 });
  });

  test('answers too late and charges all the same', async () => {
    const tenantId = await refills.newTenant();
    await fault(CHARGE, 'hang', { after_ms: 550 });
    expect(await refills.refill(tenantId)).toMatchObject({ rests: 'outcome_unknown' });
    await expect.poll(() => refills.charged(tenantId), { timeout: 20_000 }).toHaveLength(1);
    await runOn(tenantId);
    expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
  });

  test('shows the payment to nobody for a while', async () => {
    const tenantId = await refills.newTenant();
    const hidden = { ...refills.deps.mandates, findCharge: async () => ({ ok: true, value: null }) as const };
    await fault(CHARGE, 'drop');
    for (const minutes of [0, 5, 5]) {
      refills.clock.nowMs += minutes * MINUTE_MS;
      expect(await refills.refill(tenantId, { mandates: hidden })).toMatchObject({
        rests: 'outcome_unknown',
      });
    }
    await refills.refill(tenantId);
    expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
  });

  test('delivers the webhook of the payment before we know of it, many times and out of order', async () => {
    const tenantId = await refills.newTenant();
    await fault(CHARGE, 'drop');
    await refills.refill(tenantId);
    await refills.dodo.post('/_sim/faults', { webhooks: { hold: false, duplicates: 2, reorder: true } });
    await refills.settle();
    await refills.dodo.post('/_sim/faults', { webhooks: { hold: true, duplicates: 0, reorder: false } });
    expect(await refills.available(tenantId)).toBe('50');
    await runOn(tenantId);
    expect([await refills.available(tenantId), await refills.charged(tenantId)]).toEqual(['50', [5_000]]);
    expect(await refills.refills.read(tenantId)).toMatchObject({ open: null });
  });
});

test('a payment that does not fit the offer stops the refills for a person to look', async () => {
  const tenantId = await refills.newTenant();
  const { charge } = refills.deps.mandates;
  const dearer = {
    ...refills.deps.mandates,
    charge: (c: Parameters<typeof charge>[0]) => charge({ ...c, amountMinor: 9_999 }),
  };
  expect(await refills.refill(tenantId, { mandates: dearer })).toMatchObject({
    ended: [{ outcome: 'unmatched', detail: 'amount_mismatch' }],
    rests: 'stopped',
  });
  expect(await refills.available(tenantId)).toBe('0');
});

test.each([{ outcomes: [] }, { outcomes: ['failed'] }])(
  'a run that dies at any of its awaits leaves one charge and one grant: $outcomes',
  async ({ outcomes }) => {
    const { store, mandates, billing, payments, ledger, directory, notices } = refills.deps;
    const ports = { store, mandates, billing, payments, ledger, directory, notices };
    const dieAt = async (point: CrashPoint | undefined) => {
      const tenantId = await refills.newTenant();
      refills.notices.length = 0;
      await refills.dodo.post('/_sim/charges', { outcomes });
      const crashing = withCrash(ports, point);
      await refillTenant({ ...refills.deps, ...crashing.ports }, tenantId).catch((error) => {
        if (!(error instanceof Crash)) throw error;
      });
      return { tenantId, calls: crashing.calls() };
    };
    const { calls } = await dieAt(undefined);
    expect(calls).toBeGreaterThan(15);
    for (let call = 1; call <= calls; call += 1) {
      // To die in front of a call is to die after the one before it.
      const { tenantId } = await dieAt({ call, when: 'after' });
      await runOn(tenantId, 2);
      refills.clock.nowMs += HOUR_MS; // what failed may be tried again
      await runOn(tenantId, 1);
      const left = [await refills.available(tenantId), await refills.charged(tenantId)];
      expect([call, ...left]).toEqual([call, '50', [5_000]]);
      expect(refills.notices).toHaveLength(outcomes.length);
    }
  },
);
