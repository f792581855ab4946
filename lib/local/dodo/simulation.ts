import * as z from 'zod/mini';
import {
  HttpError,
  parseFields,
  type StandInRequest,
  type StandInResponse,
  type StandInRoute,
} from './http.ts';
import { grantSchema, simulateGrant } from './licences.ts';
import { createRefund, moveDispute, movePayment, settleRefund } from './payments.ts';
import { advanceClock } from './planBilling.ts';
import type { Shop } from './shop.ts';
import { moveSubscription, renewPaymentMethod } from './subscriptions.ts';

/** The next `times` calls of the API that match are answered wrongly on purpose. */
export type ApiFault = {
  readonly method: string;
  /** The beginning of the path, e.g. `/checkouts`. */
  readonly path: string;
  /** `hang`: never answered in time. `drop`: carried out, then the connection is cut. A number: that status, nothing carried out. */
  readonly kind: 'hang' | 'drop' | number;
  /** How late a call that hangs is carried out after all. */
  readonly after_ms: number;
  times: number;
};

const MAX_HANG_MS = 300_000;

const outcome = z.enum(['succeeded', 'failed', 'cancelled', 'processing']);
const paymentSchema = z.object({ payment_id: z.string(), status: outcome });
const chargesSchema = z.object({ outcomes: z.array(outcome) });
const subscriptionSchema = z.object({
  subscription_id: z.string(),
  status: z.optional(
    z.enum(['pending', 'active', 'on_hold', 'paused', 'cancelled', 'failed', 'expired', 'past_due']),
  ),
});
const clockSchema = z.object({ now: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)))) });
const refundSchema = z.object({
  payment_id: z.optional(z.string()),
  amount: z.optional(z.int()),
  reason: z.optional(z.string()),
  refund_id: z.optional(z.string()),
  status: z.optional(z.enum(['succeeded', 'failed', 'pending', 'review'])),
});
const disputeSchema = z.object({
  payment_id: z.string(),
  dispute_id: z.optional(z.string()),
  status: z.enum(['opened', 'challenged', 'won', 'lost', 'accepted', 'cancelled', 'expired']),
});
const redeliverSchema = z.object({
  webhook_id: z.optional(z.string()),
  payment_id: z.optional(z.string()),
  subject_id: z.optional(z.string()),
  times: z.optional(z.int().check(z.gte(1), z.lte(100))),
});
const faultsSchema = z.object({
  api: z.optional(
    z.array(
      z.object({
        method: z.optional(z.string()),
        path: z.string(),
        kind: z.union([z.literal('hang'), z.literal('drop'), z.int().check(z.gte(400), z.lte(599))]),
        times: z.optional(z.int()),
        after_ms: z.optional(z.int()),
      }),
    ),
  ),
  webhooks: z.optional(
    z.object({
      duplicates: z.optional(z.int().check(z.gte(0), z.lte(20))),
      reorder: z.optional(z.boolean()),
      hold: z.optional(z.boolean()),
    }),
  ),
});

const json = (body: unknown): StandInResponse => ({ status: 200, json: body });

/** What is not in Dodo's API but happens to a shop: refunds and disputes from outside, repeats, and faults on request. */
export function simulationRoutes(shop: Shop, faults: ApiFault[]): StandInRoute[] {
  return [
    { method: 'POST', path: '/_sim/refund', handle: (request) => json(simulateRefund(shop, request)) },
    {
      method: 'POST',
      path: '/_sim/dispute',
      handle: (request) => {
        const { payment_id, status, dispute_id } = parseFields(disputeSchema, request);
        return json(moveDispute(shop, payment_id, status, dispute_id));
      },
    },
    {
      method: 'POST',
      path: '/_sim/payment',
      handle: (request) => {
        const { payment_id, status } = parseFields(paymentSchema, request);
        return json(movePayment(shop, payment_id, status));
      },
    },
    {
      method: 'POST',
      path: '/_sim/charges',
      handle: (request) => {
        shop.nextCharges.splice(0, Infinity, ...parseFields(chargesSchema, request).outcomes);
        return json({ outcomes: shop.nextCharges });
      },
    },
    {
      method: 'POST',
      path: '/_sim/subscription',
      handle: (request) => {
        const { subscription_id, status } = parseFields(subscriptionSchema, request);
        if (status !== undefined) return json(moveSubscription(shop, subscription_id, status));
        return json(renewPaymentMethod(shop, subscription_id));
      },
    },
    {
      method: 'POST',
      path: '/_sim/clock',
      handle: (request) => {
        advanceClock(shop, Date.parse(parseFields(clockSchema, request).now));
        return json({ now: new Date(shop.now()).toISOString() });
      },
    },
    {
      method: 'POST',
      path: '/_sim/grant',
      handle: (request) => json(simulateGrant(shop, parseFields(grantSchema, request))),
    },
    { method: 'POST', path: '/_sim/redeliver', handle: (request) => redeliver(shop, request) },
    {
      method: 'POST',
      path: '/_sim/faults',
      handle: (request) => {
        const { api, webhooks } = parseFields(faultsSchema, request);
        if (api !== undefined) {
          const next = api.map(({ method, times, after_ms, ...fault }) => ({
            ...fault,
            method: method ?? '*',
            after_ms: after_ms ?? MAX_HANG_MS,
            times: times ?? 1,
          }));
          faults.splice(0, faults.length, ...next);
        }
        Object.assign(shop.deliveries.faults, webhooks ?? {});
        shop.deliveries.pump();
        return json({ api: faults, webhooks: shop.deliveries.faults });
      },
    },
    { method: 'GET', path: '/_sim/deliveries', handle: () => json({ deliveries: shop.state.deliveries }) },
    {
      method: 'POST',
      path: '/_sim/idle',
      handle: async () => {
        await shop.deliveries.idle();
        return json({ idle: true });
      },
    },
  ];
}

function simulateRefund(shop: Shop, request: StandInRequest) {
  const { payment_id, refund_id, amount, reason, status } = parseFields(refundSchema, request);
  if (refund_id !== undefined) return settleRefund(shop, refund_id, status ?? 'succeeded');
  if (payment_id === undefined) throw new HttpError(422, 'UNPROCESSABLE_ENTITY', 'payment_id is missing');
  return createRefund(shop, {
    paymentId: payment_id,
    reason: reason ?? null,
    ...(amount === undefined ? {} : { amount }),
    ...(status === undefined ? {} : { status }),
  });
}

async function redeliver(shop: Shop, request: StandInRequest): Promise<StandInResponse> {
  const { webhook_id, payment_id, subject_id, times } = parseFields(redeliverSchema, request);
  const concerns = (subjectId: string) =>
    subjectId === payment_id ||
    shop.state.refunds[subjectId]?.payment_id === payment_id ||
    shop.state.disputes[subjectId]?.payment_id === payment_id;
  const chosen = shop.state.deliveries.filter((delivery) => {
    if (webhook_id !== undefined) return delivery.webhook_id === webhook_id;
    if (subject_id !== undefined) return delivery.subject.id === subject_id;
    return payment_id === undefined || concerns(delivery.subject.id);
  });
  for (let round = 0; round < (times ?? 1); round += 1) {
    for (const delivery of chosen) await shop.deliveries.redeliver(delivery.webhook_id);
  }
  return json({ redelivered: chosen.map((d) => ({ webhook_id: d.webhook_id, last_result: d.last_result })) });
}
