import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';
import {
  HttpError,
  parseFields,
  type StandInRequest,
  type StandInResponse,
  type StandInRoute,
} from './http.ts';
import { BUSINESS_ID } from './newPayment.ts';
import { page } from './page.ts';
import { findProduct, findSubscription, found, type Shop } from './shop.ts';
import type { Subscription } from './state.ts';

const MAX_EVENTS = 1_000;
const MAX_AGE_MS = 3_600_000;
const MAX_AHEAD_MS = 300_000;

const ingestSchema = z.object({
  events: z.array(
    z.object({
      event_id: z.string().check(z.minLength(1)),
      customer_id: z.string(),
      event_name: z.string().check(z.minLength(1)),
      timestamp: z.nullish(z.string()),
      metadata: z.nullish(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
    }),
  ),
});

const json = (body: unknown): StandInResponse => ({ status: 200, json: body });

/** Usage events and what meters make of them: at most a thousand a call, none older than an hour, each id once. */
export function usageEventRoutes(shop: Shop): StandInRoute[] {
  const { state } = shop;
  return [
    {
      method: 'POST',
      path: '/events/ingest',
      handle: (request) => json(ingest(shop, parseFields(ingestSchema, request).events)),
    },
    {
      method: 'GET',
      path: '/events',
      handle: (request) => json(listEvents(shop, request)),
    },
    {
      method: 'GET',
      path: '/events/:id',
      handle: ({ params: { id = '' } }) => json(found(state.events[id], 'event', id)),
    },
    {
      method: 'GET',
      path: '/subscriptions/:id/usage-history',
      handle: ({ params: { id = '' } }) => json({ items: [usageHistory(shop, findSubscription(shop, id))] }),
    },
  ];
}

type EventInput = z.infer<typeof ingestSchema>['events'][number];

function ingest(shop: Shop, events: readonly EventInput[]): DodoPayments.UsageEventIngestResponse {
  if (events.length > MAX_EVENTS) throw refused(`at most ${MAX_EVENTS} events a request`);
  if (new Set(events.map((event) => event.event_id)).size < events.length) {
    throw refused('an event_id stands in the request twice');
  }
  // All are checked before one is kept: a request is taken whole or not at all.
  const checked = events.map((event) => {
    found(shop.state.customers[event.customer_id], 'customer', event.customer_id);
    const atMs = event.timestamp ? Date.parse(event.timestamp) : shop.now();
    if (!(atMs >= shop.now() - MAX_AGE_MS && atMs <= shop.now() + MAX_AHEAD_MS)) {
      throw refused(`the timestamp of ${event.event_id} is not within the last hour`);
    }
    return { ...event, timestamp: new Date(atMs).toISOString() };
  });
  const fresh = checked.filter((event) => shop.state.events[event.event_id] === undefined);
  for (const { metadata, ...event } of fresh) {
    shop.state.events[event.event_id] = { ...event, business_id: BUSINESS_ID, metadata: metadata ?? null };
  }
  shop.save();
  return { ingested_count: fresh.length };
}

const refused = (message: string): HttpError => new HttpError(400, 'INVALID_REQUEST_BODY', message);

type MeteredUsage = {
  readonly amount: number;
  readonly eventIds: readonly string[];
  readonly meters: DodoPayments.Subscriptions.SubscriptionRetrieveUsageHistoryResponse['meters'];
};

/** What no payment has billed yet of a subscription's usage. Sums and prices are exact, each meter is rounded once. */
export function unbilledUsage(shop: Shop, { customer, product_id }: Subscription): MeteredUsage {
  const { price } = findProduct(shop, product_id);
  const priced = price.type === 'usage_based_price' ? (price.meters ?? []) : [];
  const eventIds: string[] = [];
  const meters = priced.map(({ meter_id, free_threshold, price_per_unit }) => {
    const meter = found(shop.state.meters[meter_id], 'meter', meter_id);
    const events = Object.values(shop.state.events).filter(
      (event) =>
        event.customer_id === customer.customer_id &&
        event.event_name === meter.event_name &&
        shop.state.billedEvents[event.event_id] === undefined,
    );
    eventIds.push(...events.map((event) => event.event_id));
    const key = meter.aggregation.key ?? '';
    const consumed = events.reduce((sum, event) => sum + BigInt(String(event.metadata?.[key] ?? 0)), 0n);
    const free = BigInt(free_threshold ?? 0);
    const chargeable = consumed > free ? consumed - free : 0n;
    return {
      id: meter_id,
      name: meter.name,
      currency: price.currency,
      free_threshold: free_threshold ?? 0,
      price_per_unit: price_per_unit ?? '0',
      consumed_units: String(consumed),
      chargeable_units: String(chargeable),
      total_price: timesDecimal(chargeable, price_per_unit ?? '0'),
    };
  });
  return { amount: meters.reduce((sum, { total_price }) => sum + total_price, 0), eventIds, meters };
}

/** An integer times a decimal text, rounded half up. */
function timesDecimal(units: bigint, decimal: string): number {
  const [whole = '0', fraction = ''] = decimal.split('.');
  const scale = 10n ** BigInt(fraction.length);
  return Number((units * BigInt(`${whole}${fraction}`) + scale / 2n) / scale);
}

const usageHistory = (
  shop: Shop,
  subscription: Subscription,
): DodoPayments.Subscriptions.SubscriptionRetrieveUsageHistoryResponse => ({
  start_date: subscription.previous_billing_date,
  end_date: subscription.next_billing_date,
  meters: unbilledUsage(shop, subscription).meters,
});

/** The events of a name and a stretch of time. */
function listEvents(shop: Shop, request: StandInRequest) {
  const query = request.url.searchParams;
  const from = Date.parse(query.get('start') ?? '1970-01-01');
  const to = Date.parse(query.get('end') ?? '9999-01-01');
  const chosen = Object.values(shop.state.events).filter(({ event_name, timestamp }) => {
    const atMs = Date.parse(timestamp);
    return event_name === (query.get('event_name') ?? event_name) && atMs >= from && atMs < to;
  });
  const dated = chosen.map((event) => ({ ...event, created_at: event.timestamp }));
  return page(request, dated);
}
