import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import type { PriceBookSource } from '#core/pricing/ports.ts';
import type { RatedUsage } from '#core/pricing/rateUsage.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import { aTenant } from './tenants.ts';

/** The books of a file, as the product reads them. */
export function booksOf(...books: readonly unknown[]): readonly PriceBook[] {
  const parsed = parsePriceBooks({ currency: 'USD', usdPerCredit: '1', books });
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** A book of these lines, in force since 2020. */
export function bookWith(...prices: readonly unknown[]): PriceBook {
  const [book] = booksOf({ id: 'test', version: 1, effectiveFrom: '2020-01-01T00:00:00Z', prices });
  if (book === undefined) throw new Error('no book');
  return book;
}

/** Books that nobody adds to. */
export const fixedBooks = (books: readonly PriceBook[]): PriceBookSource => ({
  current: async () => books,
  newest: async () => books,
});

/** A call that succeeded, with no use but what is given. */
export const usedBy = (given: Partial<RatedUsage> = {}): RatedUsage => ({
  tenantId: TENANT_ID,
  model: 'm',
  startedAtMs: Date.UTC(2026, 5, 1),
  inputTokens: 0,
  outputTokens: 0,
  computeMs: 0,
  status: 'succeeded',
  timeToFirstTokenMs: 1,
  ...given,
});

const TENANT_ID = aTenant().id;
