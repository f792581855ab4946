import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';
import type { RouteHandler } from './dispatch.ts';
import { listBody, pageFields, pageOf, toSeconds } from './fields.ts';

const SubscriptionsQuery = z.strictObject(pageFields);

/**
 * `GET /admin/subscriptions?limit=&cursor=` → the subscriptions that have not ended, in the order of their ids; also
 * those of nobody that we know: their `tenant` is null and their `review` says why.
 */
export const listSubscriptions: RouteHandler = async ({ subscriptions }, request) => {
  const query = readQuery(request, SubscriptionsQuery);
  if (!query.ok) return refuse(query.error);
  const { subscriptions: live, nextCursor } = await subscriptions.store.listLive(pageOf(query.value));
  return respond(200, listBody(live.map(listedBody), nextCursor));
};

const listedBody = (record: SubscriptionRecord) => ({
  id: record.id,
  object: 'subscription',
  tenant: record.tenantId,
  customer: record.customerId,
  plan: record.planId,
  interval: record.interval,
  add_ons: record.addOns,
  status: record.status,
  paid_until: toSeconds(record.billing.endMs),
  past_due_until: record.pastDueEndsAtMs === null ? null : toSeconds(record.pastDueEndsAtMs),
  cancel_at_period_end: record.cancelAtPeriodEnd,
  is_disputed: record.paidBack?.isDisputed ?? false,
  review: record.review,
  created_at: toSeconds(record.createdAtMs),
});
