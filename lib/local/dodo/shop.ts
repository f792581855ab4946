import type { Deliveries } from './deliveries.ts';
import { HttpError } from './http.ts';
import type { Payment, Product, Session, State, Subscription } from './state.ts';

/** What the rules of the stand-in work on. */
export type Shop = {
  readonly state: State;
  readonly save: () => void;
  readonly newId: (prefix: string) => string;
  readonly deliveries: Deliveries;
  /** What becomes of the next charges of payment methods, in turn; beyond these they succeed. */
  readonly nextCharges: PaymentOutcome[];
  /** The time by which periods end, are paid and usage is late; other payments and deliveries carry the real one. */
  readonly now: () => number;
  readonly setClock: (nowMs: number) => void;
};

export type PaymentOutcome = 'succeeded' | 'failed' | 'cancelled' | 'processing';

export function findSession(shop: Shop, id: string): Session {
  return found(shop.state.sessions[id], 'checkout session', id);
}

export function findPayment(shop: Shop, id: string): Payment {
  return found(shop.state.payments[id], 'payment', id);
}

export function findProduct(shop: Shop, id: string): Product {
  return found(shop.state.products[id], 'product', id);
}

export function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw new HttpError(404, 'NOT_FOUND', `there is no ${what} ${id}`);
  return value;
}

export const findSubscription = (shop: Shop, id: string): Subscription =>
  found(shop.state.subscriptions[id], 'subscription', id);
