import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { CheckoutId, GrantId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { INTERVALS } from '#core/subscriptions/plan.ts';
import type { RecurringChange } from '#core/subscriptions/ports.ts';
import { isFinal, SUBSCRIPTION_STATUSES } from '#core/subscriptions/status.ts';
import type {
  RecurringRevenue,
  SubscriptionCheckout,
  SubscriptionRecord,
} from '#core/subscriptions/types.ts';

/**
 * How subscriptions lie in the billing table:
 * - `subscription-checkout#<id>` / `checkout`, and `subscription-key#<tenant>#<idempotency key>` / `key`.
 * - `subscription#<id>` / `subscription`; those that live or need a person are listed by the index.
 * - `tenant#<id>` / `subscription`: which one is the tenant's; / `recurring#<since>#<subscription>`: what one brings a
 *   month from a moment on.
 */
export const subscriptionCheckoutKey = (id: CheckoutId) => ({
  pk: `subscription-checkout#${id}`,
  sk: 'checkout',
});
export const subscriptionIdempotencyKey = (tenantId: TenantId, key: string) => ({
  pk: `subscription-key#${tenantId}#${key}`,
  sk: 'key',
});
export const subscriptionKey = (id: string) => ({ pk: `subscription#${id}`, sk: 'subscription' });
export const currentKey = (tenantId: TenantId) => ({ pk: `tenant#${tenantId}`, sk: 'subscription' });

export const LIVE_LIST = 'subscriptions#live';
const ENDED_LIST = 'subscriptions#ended';

export const subscriptionCheckoutItem = (checkout: SubscriptionCheckout) => ({
  ...subscriptionCheckoutKey(checkout.id),
  ...checkout,
});
export const subscriptionItem = (record: SubscriptionRecord) => ({
  ...subscriptionKey(record.id),
  listPk: isFinal(record.status) ? ENDED_LIST : LIVE_LIST,
  listSk: record.id,
  ...record,
});

const MS_DIGITS = 15;
const RECURRING = 'recurring#';
export const recurringItem = (tenantId: TenantId, { id, recurring }: Recurring) => ({
  pk: currentKey(tenantId).pk,
  sk: `${RECURRING}${String(recurring.sinceMs).padStart(MS_DIGITS, '0')}#${id}`,
  subscriptionId: id,
  ...recurring,
});
type Recurring = { readonly id: string; readonly recurring: RecurringRevenue };

const text = z.string();
const amount = z.pipe(z.int(), z.transform(micro));
const tenantId = idSchema<TenantId>('tenant');
const grantId = idSchema<GrantId>('grant');
const addOns = z.array(z.object({ id: text, quantity: z.int() }));
const period = z.object({ startMs: z.int(), endMs: z.int() });

const CheckoutItem = z.object({
  id: idSchema<CheckoutId>('checkout'),
  tenantId,
  customerId: text,
  planId: text,
  interval: z.enum(INTERVALS),
  addOns,
  withSetup: z.boolean(),
  returnUrl: z.nullable(text),
  idempotencyKey: z.nullable(text),
  createdAtMs: z.int(),
  session: z.nullable(z.object({ id: text, url: text })),
});

const step = { grantId, sourceId: text, reason: text, atMs: z.int() };
const Step = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('grant'),
    grantKind: z.enum(['included', 'overage']),
    amountMicro: amount,
    expiresAtMs: z.int(),
    ...step,
  }),
  z.object({ kind: z.enum(['freeze', 'release']), ...step }),
  z.object({ kind: z.literal('take_back'), amountMicro: amount, ...step }),
]);

const SubscriptionItem = z.object({
  id: text,
  version: z.int(),
  tenantId: z.nullable(tenantId),
  customerId: text,
  planId: z.nullable(text),
  interval: z.nullable(z.enum(INTERVALS)),
  addOns,
  status: z.enum(SUBSCRIPTION_STATUSES),
  billing: period,
  cancelAtPeriodEnd: z.boolean(),
  scheduledChange: z.nullable(
    z.object({
      productId: text,
      addOns: z._default(z.array(z.object({ addOnId: text, quantity: z.int() })), []),
      effectiveAtMs: z.int(),
    }),
  ),
  pastDueEndsAtMs: z.nullable(z.int()),
  usage: z.nullable(
    z.object({
      period,
      grants: z._default(
        z.array(
          z.object({
            grantId,
            kind: z.enum(['included', 'overage']),
            amountMicro: amount,
            withheldMicro: amount,
          }),
        ),
        [],
      ),
      onAccount: z._default(z.array(grantId), []),
      includedMicro: amount,
      overageMicro: amount,
    }),
  ),
  paidBack: z._default(
    z.nullable(
      z.object({
        billingStartMs: z.int(),
        paidMinor: z.int(),
        returnedMinor: z.int(),
        isDisputed: z.boolean(),
      }),
    ),
    null,
  ),
  pauses: z.int(),
  isFrozen: z.boolean(),
  review: z.array(
    z.enum([
      'unknown_checkout',
      'customer_mismatch',
      'unknown_product',
      'unknown_status',
      'impossible_transition',
      'unusable_id',
      'second_subscription',
    ]),
  ),
  steps: z.array(Step),
  change: z.nullable(z.object({ productId: text, atMs: z.int() })),
  // Records of before it was kept have none.
  recurring: z._default(z.nullable(z.object({ minor: z.int(), sinceMs: z.int() })), null),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});

const RecurringItem = z.object({ subscriptionId: text, minor: z.int(), sinceMs: z.int() });
/** Of the items of a tenant those that say what its subscriptions bring. */
export const toRecurringChanges = (
  items: readonly Readonly<Record<string, unknown>>[],
): readonly RecurringChange[] =>
  items
    .filter(({ sk }) => typeof sk === 'string' && sk.startsWith(RECURRING))
    .map((item) => z.parse(RecurringItem, item));

// An item that does not parse was written by something else than us: that is a bug, so these throw.
export const toSubscriptionCheckout = (item: unknown): SubscriptionCheckout => z.parse(CheckoutItem, item);
export const toSubscription = (item: unknown): SubscriptionRecord => z.parse(SubscriptionItem, item);
