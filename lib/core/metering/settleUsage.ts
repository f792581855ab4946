import { type Charge, type Ledger, LedgerUnavailable, type SettledCharge } from '#core/ledger/ports.ts';
import type { PriceBookSource } from '#core/pricing/ports.ts';
import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { rateInMonth } from '#core/pricing/rateInMonth.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { parseUsageEvent } from './parseUsageEvent.ts';
import type { UsageEvent } from './types.ts';

/** A message of the usage queue. */
export type UsageMessage = { readonly id: string; readonly body: string };

/**
 * Why a message was not settled. `settlement_failed` may pass when it is tried again; the others mean that the
 * message is poison, or that this deployment lacks the price book that the sender had.
 */
export type SettlementRefused =
  | {
      readonly code: 'invalid_usage_event' | 'unknown_price_book' | 'unpriced_model';
      readonly message: string;
    }
  | { readonly code: 'settlement_failed'; readonly message: string; readonly cause: unknown };

export type MessageOutcome = {
  readonly messageId: string;
  readonly tenantId: TenantId | null;
  /** Null: the message could not be read. */
  readonly event: UsageEvent | null;
  readonly result: Result<SettledCharge, SettlementRefused>;
};

/** Whether a message can never be settled. An unknown price book may only be on its way: deployments take turns. */
export const isHopeless = ({ result }: MessageOutcome): boolean =>
  !result.ok && (result.error.code === 'invalid_usage_event' || result.error.code === 'unpriced_model');

export type SettleUsageDeps = {
  readonly ledger: Pick<Ledger, 'settle'>;
  readonly books: PriceBookSource;
};

type RatedMessage = { readonly messageId: string; readonly event: UsageEvent; readonly charge: Charge };

/**
 * Rates a batch of usage messages and settles them, tenant by tenant at once. Every message has its own outcome,
 * in the order given; what fails for one tenant or one message leaves the others alone. Throws only when the price
 * books cannot be read.
 */
export async function settleUsage(
  deps: SettleUsageDeps,
  messages: readonly UsageMessage[],
): Promise<readonly MessageOutcome[]> {
  const outcomes = new Map<string, MessageOutcome>();
  const rated: RatedMessage[] = [];
  const events = messages.map(({ id, body }) => ({ id, event: parseUsageEvent(body) }));
  const books = await booksFor(deps.books, events);
  for (const { id, event } of events) {
    const charge = event.ok ? rateEvent(books, event.value) : event;
    if (event.ok && charge.ok) rated.push({ messageId: id, event: event.value, charge: charge.value });
    else if (!charge.ok) outcomes.set(id, { messageId: id, tenantId: null, event: null, result: charge });
  }
  const tenants = Map.groupBy(rated, ({ charge }) => charge.event.tenantId);
  const settled = await Promise.all(
    [...tenants].map(([tenantId, group]) => settleTenant(deps, tenantId, group)),
  );
  for (const outcome of settled.flat()) outcomes.set(outcome.messageId, outcome);
  return messages.map(({ id }) => foundIn(outcomes, id));
}

/** The books, read anew when one of these events names a version that was published since. */
async function booksFor(
  source: PriceBookSource,
  events: readonly { readonly event: Result<UsageEvent, { readonly code: string }> }[],
): Promise<readonly PriceBook[]> {
  const books = await source.current();
  const isKnown = events.every(({ event }) => !event.ok || bookByVersion(books, event.value.priceBook));
  return isKnown ? books : source.newest();
}

/** The charge that an event asks for, by the very price book that quoted it. */
function rateEvent(books: readonly PriceBook[], event: UsageEvent): Result<Charge, SettlementRefused> {
  const { priceBook, model } = event;
  const named = `price book ${priceBook.id} version ${priceBook.version}`;
  const book = bookByVersion(books, priceBook);
  if (book === undefined) return err({ code: 'unknown_price_book', message: `${named} is not known here` });
  const rated = rateInMonth(book, event);
  if (!rated.ok) return err({ code: 'unpriced_model', message: `${named} has no price for ${model}` });
  // Where a call came from is for the watch alone: the account book keeps nothing of it.
  const { network: _, ...kept } = event;
  return ok({ event: kept, ...rated.value });
}

/** Settles in as few transactions as fit; where that is impossible one by one, so that a bad charge fails alone. */
async function settleTenant(
  deps: SettleUsageDeps,
  tenantId: TenantId,
  group: readonly RatedMessage[],
): Promise<readonly MessageOutcome[]> {
  try {
    const charges = group.map(({ charge }) => charge);
    const settled = await deps.ledger.settle(tenantId, charges);
    return group.map((message, index) => outcomeOf(message, settledAt(settled, index)));
  } catch (cause) {
    // One by one would only repeat a refusal of the whole store, at many times the load.
    if (group.length < 2 || cause instanceof LedgerUnavailable) {
      return group.map((message) => outcomeOf(message, failed(cause)));
    }
    const outcomes: MessageOutcome[] = [];
    for (const message of group) outcomes.push(...(await settleTenant(deps, tenantId, [message])));
    return outcomes;
  }
}

function settledAt(
  settled: readonly SettledCharge[],
  index: number,
): Result<SettledCharge, SettlementRefused> {
  const one = settled[index];
  return one === undefined ? failed(new Error('the ledger gave no outcome')) : ok(one);
}

const failed = (cause: unknown): Result<never, SettlementRefused> =>
  err({ code: 'settlement_failed', message: cause instanceof Error ? cause.name : 'unknown', cause });

const outcomeOf = ({ messageId, event }: RatedMessage, result: MessageOutcome['result']): MessageOutcome => ({
  messageId,
  tenantId: event.tenantId,
  event,
  result,
});

function foundIn(outcomes: ReadonlyMap<string, MessageOutcome>, messageId: string): MessageOutcome {
  const outcome = outcomes.get(messageId);
  if (outcome === undefined) throw new Error(`message ${messageId} was lost between rating and settlement`);
  return outcome;
}
