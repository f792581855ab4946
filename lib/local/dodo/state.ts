import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';

export type Customer = DodoPayments.Customer;
export type Product = DodoPayments.Product;
export type Payment = DodoPayments.Payment;
export type Refund = DodoPayments.Refund;
export type Dispute = DodoPayments.GetDispute;
export type Subscription = DodoPayments.Subscription;
export type Meter = DodoPayments.Meter;
export type UsageEvent = DodoPayments.Event;
export type LicenceGrant = DodoPayments.Entitlements.EntitlementGrant;
export type EventType = DodoPayments.WebhookEventType;

/** A checkout session: what was asked for, and the payment that settled it once there is one. */
export type Session = {
  readonly id: string;
  readonly created_at: string;
  readonly product_cart: readonly {
    readonly product_id: string;
    readonly quantity: number;
    readonly addons?: readonly { readonly addon_id: string; readonly quantity: number }[] | null | undefined;
  }[];
  readonly customer_id: string;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
  readonly return_url: string | null;
  readonly cancel_url: string | null;
  /** Asked for a payment method to charge later, instead of a subscription with a rhythm. */
  readonly on_demand?: { readonly mandate_only: boolean };
  payment_id: string | null;
};

type SubjectKind = 'payment' | 'refund' | 'dispute' | 'subscription' | 'grant' | 'licenceKey';

/** One event on its way to the webhook. Its `data` is read when it is delivered, as Dodo does it. */
export type Delivery = {
  readonly webhook_id: string;
  readonly type: EventType;
  readonly subject: { readonly kind: SubjectKind; readonly id: string };
  readonly timestamp: string;
  attempts: number;
  status: 'pending' | 'delivered' | 'exhausted';
  next_at_ms: number;
  last_result: string | null;
};

/** Everything that the stand-in remembers. Held in memory, written to one file after every change. */
export type State = {
  readonly customers: Record<string, Customer>;
  readonly products: Record<string, Product>;
  readonly sessions: Record<string, Session>;
  readonly payments: Record<string, Payment>;
  readonly refunds: Record<string, Refund>;
  readonly disputes: Record<string, Dispute>;
  readonly subscriptions: Record<string, Subscription>;
  readonly addOns: Record<string, AddOn>;
  readonly meters: Record<string, Meter>;
  readonly events: Record<string, UsageEvent>;
  /** The payment that billed each event. */
  readonly billedEvents: Record<string, string>;
  /** When the grace of subscriptions ends whose payment failed. */
  readonly pastDueEnds: Record<string, string>;
  /** Licence-key entitlements, all of them fulfilled by hand. */
  readonly entitlements: Record<string, 'manual'>;
  readonly licenceGrants: Record<string, LicenceGrant>;
  readonly deliveries: Delivery[];
};

export type AddOn = { readonly name: string; readonly price: number };

export type StateFile = { readonly state: State; readonly save: () => void };

const record = <T>() => z.record(z.string(), z.custom<T>(isObject));
const stateSchema = z.object({
  customers: record<Customer>(),
  products: record<Product>(),
  sessions: record<Session>(),
  payments: record<Payment>(),
  refunds: record<Refund>(),
  disputes: record<Dispute>(),
  subscriptions: z._default(record<Subscription>(), {}),
  addOns: z._default(record<AddOn>(), {}),
  meters: z._default(record<Meter>(), {}),
  events: z._default(record<UsageEvent>(), {}),
  billedEvents: z._default(z.record(z.string(), z.string()), {}),
  pastDueEnds: z._default(z.record(z.string(), z.string()), {}),
  entitlements: z._default(z.record(z.string(), z.literal('manual')), {}),
  licenceGrants: z._default(record<LicenceGrant>(), {}),
  deliveries: z.array(z.custom<Delivery>(isObject)),
});

/** Reads the state kept in `file`, or starts with an empty one; without a file nothing outlives the process. */
export function openState(file: string | undefined): StateFile {
  if (file === undefined) return { state: emptyState(), save: () => {} };
  mkdirSync(dirname(file), { recursive: true });
  const state = readState(file);
  return {
    state,
    // Renamed into place, so that a process killed in the middle leaves the old state and not half of a new one.
    save: () => {
      writeFileSync(`${file}.next`, JSON.stringify(state));
      renameSync(`${file}.next`, file);
    },
  };
}

function readState(file: string): State {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return emptyState();
    throw error;
  }
  return stateSchema.parse(JSON.parse(text));
}

const emptyState = (): State => ({
  customers: {},
  products: {},
  sessions: {},
  payments: {},
  refunds: {},
  disputes: {},
  subscriptions: {},
  addOns: {},
  meters: {},
  events: {},
  billedEvents: {},
  pastDueEnds: {},
  entitlements: {},
  licenceGrants: {},
  deliveries: [],
});

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
