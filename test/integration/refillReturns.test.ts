import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applyPayment } from '#core/billing/applyPayment.ts';
import { changeSettings } from '#core/refill/refillRules.ts';
import { renewMethod } from '#core/refill/renewMethod.ts';
import { micro } from '#core/shared/money.ts';
import { startTestRefills, type TestRefills } from '#test/builders/refills.ts';

const MINUTE_MS = 60_000;
let refills: TestRefills;
beforeAll(async () => {
  refills = await startTestRefills();
  // Whatever is granted here is granted without a webhook.
  await refills.dodo.post('/_sim/faults', { webhooks: { hold: true } });
});
afterAll(() => refills.stop());
beforeEach(() => {
  refills.notices.length = 0;
});

describe('a refill whose money goes back', () => {
  /** A tenant with one refill, and what becomes of its payment. */
  const begin = async () => {
    const tenantId = await refills.newTenant();
    await refills.refill(tenantId);
    const [ended] = (await refills.refills.listEnded(tenantId, { limit: 1 })).refills;
    const paymentId = ended?.paymentId ?? '';
    const look = { webhookId: 'w', type: 't', paymentId, status: null, refundId: null, disputeId: null };
    return {
      tenantId,
      becomes: async (path: string, more: object = {}) => {
        await refills.dodo.post(path, { payment_id: paymentId, ...more });
        await applyPayment({ ...refills.deps.payments, clock: () => refills.clock.nowMs }, look);
      },
    };
  };

  test.each([
    ['/_sim/refund', {}],
    ['/_sim/dispute', { status: 'opened' }],
  ])('by %s is not followed by another one, until it is set anew', async (path, more) => {
    const { tenantId, becomes } = await begin();
    refills.clock.nowMs += MINUTE_MS;
    await becomes(path, more);
    for (let run = 0; run < 3; run += 1) {
      expect(await refills.refill(tenantId)).toMatchObject({ ended: [], rests: 'stopped' });
    }
    expect(await refills.charged(tenantId)).toEqual([5_000]);
    expect(refills.notices.map(({ content }) => content.kind)).toEqual(['refill_returned']);
    // Another payment method changes nothing about it.
    const customerId = (await refills.directory.readTenant(tenantId))?.dodoCustomerId ?? '';
    await renewMethod(refills.deps, { tenantId, customerId });
    expect(await refills.refill(tenantId)).toMatchObject({ rests: 'stopped' });

    const state = await refills.refills.read(tenantId);
    if (state === undefined) throw new Error('no state');
    refills.clock.nowMs += MINUTE_MS;
    const { mandateId, mandateAskedAtMs, settings } = state;
    const setAtMs = refills.clock.nowMs;
    await refills.refills.save(changeSettings(state, { settings, setAtMs, mandateId, mandateAskedAtMs }));
    expect(await refills.refill(tenantId)).toMatchObject({ ended: [{ outcome: 'succeeded' }] });
  });

  test('and comes back, for the dispute was won, goes on', async () => {
    const { tenantId, becomes } = await begin();
    await becomes('/_sim/dispute', { status: 'opened' });
    await becomes('/_sim/dispute', { status: 'won' });
    await refills.ledger.debit({
      tenantId,
      amountMicro: micro(45_000_000),
      source: { kind: 'admin', id: 'spent' },
      reason: 'spent',
      actor: 'test',
      nowMs: refills.clock.nowMs,
    });
    expect(await refills.refill(tenantId)).toMatchObject({ ended: [{ outcome: 'succeeded' }] });
  });
});
