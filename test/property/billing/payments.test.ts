import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyPayment } from '#core/billing/applyPayment.ts';
import { receiveWebhook } from '#core/billing/receiveWebhook.ts';
import type { PaymentMessage } from '#core/billing/types.ts';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';
import { type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { WEBHOOK_KEY } from '#test/builders/dodo.ts';
import { entriesOn } from '#test/builders/ledger.ts';
import { runs } from '#test/builders/runs.ts';

const HISTORIES = runs(5);
const GRANTED = 50_000_000;
const TOTAL = 5_000;

let billing: TestBilling;
beforeAll(async () => {
  billing = await startTestBilling();
});
afterAll(async () => {
  const source = makeAuditSource(billing.database.client, `${billing.database.prefix}ledger`);
  const { violations, tenants } = await auditLedger(source);
  await billing.stop();
  expect(violations).toEqual([]);
  expect(tenants).toBeGreaterThan(1);
});

const available = async (tenantId: TenantId): Promise<number | undefined> =>
  (await billing.ledger.readAccount(tenantId))?.availableMicro;

/** What the last state of a payment asks for, told without any of the product's own rules. */
async function creditsOf(paymentId: string): Promise<number> {
  const payment = await billing.dodo.sdk.payments.retrieve(paymentId);
  const statuses = payment.disputes.map((dispute) => dispute.dispute_status);
  const out = ['dispute_lost', 'dispute_accepted', 'dispute_opened', 'dispute_challenged', 'dispute_expired'];
  if (payment.status !== 'succeeded' || statuses.some((status) => out.includes(status))) return 0;
  const refunded = payment.refunds.reduce((sum, refund) => sum + (refund.amount ?? 0), 0);
  return GRANTED - Math.floor((GRANTED * refunded) / TOTAL);
}

const history = fc.record({
  outcomes: fc.array(fc.constantFrom('pay', 'pay', 'pay', 'fail'), { minLength: 1, maxLength: 2 }),
  happenings: fc.array(
    fc.oneof(
      fc.record({ payment: fc.nat(), amount: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({
        payment: fc.nat(),
        status: fc.constantFrom('opened', 'challenged', 'won', 'lost', 'expired', 'cancelled'),
      }),
    ),
    { maxLength: 6 },
  ),
  /** When messages are applied meanwhile, and in which order: each number picks one that waits. */
  picks: fc.array(fc.nat(), { minLength: 4, maxLength: 12 }),
});

async function play({
  outcomes,
  happenings,
  picks,
}: typeof history extends fc.Arbitrary<infer T> ? T : never) {
  const tenantId = await billing.newTenant();
  const payments: string[] = [];
  const disputes = new Map<string, string>();
  const lost = new Set<string>();
  for (const outcome of outcomes) {
    const checkout = await billing.checkout(tenantId);
    const payment = await billing.dodo.post(`/checkout/${checkout.session.id}/${outcome}`);
    payments.push(String(payment['payment_id']));
  }
  for (const happening of happenings) {
    const payment_id = payments[happening.payment % payments.length] ?? '';
    if ('amount' in happening) {
      // What is more than is left, or of a payment that failed, is refused: then it did not happen.
      await billing.dodo
        .post('/_sim/refund', { payment_id, amount: happening.amount })
        .catch(() => undefined);
    } else {
      // A loss is final. Were it not, too much would have been taken back, and a person would be asked.
      if (lost.has(payment_id)) continue;
      if (happening.status === 'lost') lost.add(payment_id);
      const dispute_id = disputes.get(payment_id);
      const moved = await billing.dodo.post('/_sim/dispute', {
        payment_id,
        status: happening.status,
        ...(dispute_id === undefined ? {} : { dispute_id }),
      });
      disputes.set(payment_id, String(moved['dispute_id']));
    }
    await applyPicked(picks.splice(0, 2));
  }
  await billing.dodo.post('/_sim/idle');
  const waiting = billing.queue.splice(0);
  await applyAll([...waiting, ...waiting.toReversed()]);
  return { tenantId, payments };
}

/** Applies some of the waiting messages at once, and leaves them waiting: a queue delivers at least once. */
const applyPicked = (picks: readonly number[]) =>
  applyAll(picks.flatMap((pick) => billing.queue[pick % Math.max(1, billing.queue.length)] ?? []));

async function applyAll(messages: readonly PaymentMessage[]): Promise<void> {
  const results = await Promise.all(messages.map((message) => applyPayment(billing.applyDeps, message)));
  const again = messages.filter((_, index) => results[index]?.ok === false);
  for (const message of again)
    expect(await applyPayment(billing.applyDeps, message)).toMatchObject({ ok: true });
}

test('events in any order, repeated and at once, end in the balance that the last states ask for', async () => {
  await billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 1, reorder: true } });
  await fc.assert(
    fc.asyncProperty(history, async (story) => {
      const { tenantId, payments } = await play({ ...story, picks: [...story.picks] });
      const wanted = await Promise.all(payments.map(creditsOf));
      expect(await available(tenantId)).toBe(wanted.reduce((sum, credits) => sum + credits, 0));
    }),
    HISTORIES,
  );
  await billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 0, reorder: false } });
});

/** Every point at which a run of `calls` calls can crash. */
const crashPoints = (calls: number): readonly CrashPoint[] =>
  Array.from({ length: calls }, (_, index) => index + 1).flatMap((call) => [
    { call, when: 'before' as const },
    { call, when: 'after' as const },
  ]);

async function paidMessage(after: (paymentId: string) => Promise<unknown> = async () => undefined) {
  const tenantId = await billing.newTenant();
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  await after(paymentId);
  await billing.dodo.post('/_sim/idle');
  const [message] = billing.queue.splice(0);
  if (message === undefined) throw new Error('no message came');
  return { tenantId, message };
}

test('a crash at any call of applying a payment, and the message again, make one grant and one claw-back', async () => {
  const refund = (payment_id: string) => billing.dodo.post('/_sim/refund', { payment_id, amount: 1_000 });
  const plain = await paidMessage(refund);
  const counted = withCrash(billing.applyDeps, undefined);
  await applyPayment(counted.ports, plain.message);
  expect(counted.calls()).toBeGreaterThan(5);
  for (const point of crashPoints(counted.calls())) {
    const { tenantId, message } = await paidMessage(refund);
    await expect(
      applyPayment(withCrash(billing.applyDeps, point).ports, message),
      JSON.stringify(point),
    ).rejects.toThrow();
    expect(await applyPayment(billing.applyDeps, message)).toMatchObject({ ok: true });
    expect(await available(tenantId)).toBe(40_000_000);
    const entries = entriesOn(await billing.ledger.listEntries(tenantId, { limit: 10 }));
    expect(entries.map(({ kind }) => kind)).toEqual(['refund', 'grant']);
  }
});

test('a crash at any call of receiving a webhook loses it for no redelivery', async () => {
  const body = JSON.stringify({
    type: 'payment.succeeded',
    data: { payment_id: 'pay_x', status: 'succeeded' },
  });
  const signed = (id: string) => {
    const now = new Date();
    return {
      body: Buffer.from(body),
      headers: {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(WEBHOOK_KEY).sign(id, now, body),
      },
    };
  };
  const counted = withCrash(billing.receiveDeps, undefined);
  await receiveWebhook(counted.ports, signed('msg_count'));
  for (const point of crashPoints(counted.calls())) {
    billing.queue.splice(0);
    const request = signed(`msg_${point.call}_${point.when}`);
    await expect(receiveWebhook(withCrash(billing.receiveDeps, point).ports, request)).rejects.toThrow();
    expect(await receiveWebhook(billing.receiveDeps, request)).toMatchObject({ ok: true });
    expect(billing.queue.length, JSON.stringify(point)).toBeGreaterThanOrEqual(1);
    const before = billing.queue.length;
    expect(await receiveWebhook(billing.receiveDeps, request)).toMatchObject({
      value: { outcome: 'duplicate' },
    });
    expect(billing.queue.length).toBe(before);
  }
  billing.queue.splice(0);
});
