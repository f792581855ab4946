import type { DodoPayments } from 'dodopayments';
import { Webhook } from 'standardwebhooks';
import { licenceKeyOf } from './licences.ts';
import type { Delivery, State } from './state.ts';

/** How Dodo repeats an event that was not answered with 2xx; the eighth failure is the last. */
export const RETRY_DELAYS_MS = [0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];
const TIMEOUT_MS = 15_000;
const MAX_IN_FLIGHT = 8;
/** Finished events that are remembered, so that they can be sent again. */
const MAX_KEPT = 1_000;

/** What a test or a person can do to the deliveries. */
export type DeliveryFaults = {
  /** Further copies of every event, with the same `webhook-id`. */
  duplicates: number;
  /** Sends what is waiting in a random order instead of the order of the events. */
  reorder: boolean;
  /** Sends nothing until it is switched off. */
  hold: boolean;
};

export type Deliveries = {
  readonly faults: DeliveryFaults;
  /** Queues an event about a subject; its data is read when it is sent. */
  readonly emit: (type: Delivery['type'], subject: Delivery['subject']) => void;
  /** Sends a known event again, at once. False when there is none of that id. */
  readonly redeliver: (webhookId: string) => Promise<boolean>;
  /** Sends what is due; called by itself, and by hand after `hold`. */
  readonly pump: () => void;
  /** Resolves when nothing is due or in flight. */
  readonly idle: () => Promise<void>;
  readonly close: () => void;
};

export type DeliveryOptions = {
  readonly webhookUrl: string | undefined;
  readonly webhookKey: string;
  /** Multiplies the delays between attempts: 1 is Dodo's own schedule. */
  readonly retryScale: number;
};

/** Delivers signed events at least once, in no promised order, on Dodo's schedule. */
export function makeDeliveries(
  state: State,
  save: () => void,
  newId: (prefix: string) => string,
  options: DeliveryOptions,
): Deliveries {
  const faults: DeliveryFaults = { duplicates: 0, reorder: false, hold: false };
  const inFlight = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const attempt = async (delivery: Delivery): Promise<void> => {
    inFlight.add(delivery.webhook_id);
    let result: string;
    try {
      result = await post(delivery, state, options);
      for (let copy = 0; copy < faults.duplicates; copy += 1) await post(delivery, state, options);
    } catch (error) {
      result = error instanceof Error ? error.message : 'failed';
    }
    inFlight.delete(delivery.webhook_id);
    record(delivery, result, options.retryScale);
    if (closed) return;
    save();
    pump();
  };

  const pump = (): void => {
    clearTimeout(timer);
    if (closed || faults.hold || options.webhookUrl === undefined) return;
    const waiting = state.deliveries.filter((d) => d.status === 'pending' && !inFlight.has(d.webhook_id));
    const due = waiting.filter((d) => d.next_at_ms <= Date.now());
    const ordered = faults.reorder ? due.toSorted(() => Math.random() - 0.5) : due;
    for (const delivery of ordered.slice(0, MAX_IN_FLIGHT - inFlight.size)) void attempt(delivery);
    const later = waiting.filter((d) => d.next_at_ms > Date.now()).map((d) => d.next_at_ms);
    if (later.length === 0) return;
    const delayMs = Math.max(1, Math.min(...later) - Date.now());
    timer = setTimeout(pump, delayMs);
  };

  return {
    faults,
    pump,
    emit: (type, subject) => {
      state.deliveries.push({
        webhook_id: newId('msg_'),
        type,
        subject,
        timestamp: new Date().toISOString(),
        attempts: 0,
        status: 'pending',
        next_at_ms: Date.now(),
        last_result: null,
      });
      forgetOldest(state.deliveries);
      save();
      setImmediate(pump);
    },
    redeliver: async (webhookId) => {
      const delivery = state.deliveries.find((d) => d.webhook_id === webhookId);
      if (delivery === undefined) return false;
      await attempt(delivery);
      return true;
    },
    idle: async () => {
      const busy = () =>
        inFlight.size > 0 ||
        (!faults.hold && state.deliveries.some((d) => d.status === 'pending' && d.next_at_ms <= Date.now()));
      while (busy() && !closed) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function forgetOldest(deliveries: Delivery[]): void {
  if (deliveries.length <= MAX_KEPT) return;
  const oldest = deliveries.findIndex((delivery) => delivery.status !== 'pending');
  if (oldest >= 0) deliveries.splice(oldest, 1);
}

async function post(delivery: Delivery, state: State, options: DeliveryOptions): Promise<string> {
  if (options.webhookUrl === undefined) return 'no webhook address';
  const payload: DodoPayments.WebhookPayload = {
    business_id: 'bus_local',
    type: delivery.type,
    timestamp: delivery.timestamp,
    data: latestData(delivery, state),
  };
  const body = JSON.stringify(payload);
  const now = new Date();
  const response = await fetch(options.webhookUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': delivery.webhook_id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(options.webhookKey).sign(delivery.webhook_id, now, body),
    },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.arrayBuffer();
  return String(response.status);
}

/** The subject as it is now, which need not be what the event's name says. */
function latestData({ subject }: Delivery, state: State): DodoPayments.WebhookPayload['data'] {
  switch (subject.kind) {
    case 'payment':
      return { payload_type: 'Payment', ...stored(state.payments[subject.id]) };
    case 'refund':
      return { payload_type: 'Refund', ...stored(state.refunds[subject.id]) };
    case 'dispute':
      return { payload_type: 'Dispute', ...stored(state.disputes[subject.id]) };
    case 'subscription':
      return {
        payload_type: 'Subscription',
        ...stored(state.subscriptions[subject.id]),
        past_due_ends_at: state.pastDueEnds[subject.id] ?? null,
      };
    case 'grant':
      return { payload_type: 'EntitlementGrant', ...stored(state.licenceGrants[subject.id]) };
    case 'licenceKey':
      return { payload_type: 'LicenseKey', ...licenceKeyOf(stored(state.licenceGrants[subject.id])) };
  }
}

function stored<T>(subject: T | undefined): T {
  if (subject === undefined) throw new Error('an event is about something that was never stored');
  return subject;
}

function record(delivery: Delivery, result: string, retryScale: number): void {
  delivery.attempts += 1;
  delivery.last_result = result;
  if (/^2\d\d$/.test(result)) {
    delivery.status = 'delivered';
    return;
  }
  if (delivery.status === 'delivered') return; // a repeat by hand that failed takes nothing back
  const delay = RETRY_DELAYS_MS[delivery.attempts];
  if (delay === undefined) delivery.status = 'exhausted';
  else delivery.next_at_ms = Date.now() + delay * retryScale;
}
