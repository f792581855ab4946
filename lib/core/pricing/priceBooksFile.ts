import * as z from 'zod/mini';
import { MonthlyText } from './monthlyPricesText.ts';
import { MAX_PRICE_CREDITS, must, price, timeZone } from './priceText.ts';

/** As long as the chat function may run, and so the longest that an engine can work on a call. */
export const MAX_COMPUTE_SECONDS = 900;
const MAX_WEIGHT = 1_000_000;

const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;
export const CLOCK_TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const perMillion = z.optional(price(MAX_PRICE_CREDITS));
const perThousand = z.optional(price(MAX_PRICE_CREDITS / 1_000));

const parts = {
  perRequest: perMillion,
  perThousandInputTokens: perThousand,
  perMillionInputTokens: perMillion,
  perThousandOutputTokens: perThousand,
  perMillionOutputTokens: perMillion,
  perComputeSecond: perMillion,
  perThousandTrainingTokens: perThousand,
  perMillionTrainingTokens: perMillion,
};

export const utcTime = must(isUtcTime, 'a time such as 2026-01-31T00:00:00Z');
const clockTime = must((text) => CLOCK_TIME.test(text), 'a time of day such as "22:00"');
export const bookId = must(
  (text) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(text),
  'lower-case letters, digits and hyphens',
);

const Window = z.strictObject({
  timeZone,
  days: z.optional(z.array(z.enum(DAYS)).check(z.minLength(1))),
  from: clockTime,
  until: clockTime,
  ...parts,
});

const Line = z.strictObject({
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  tenants: z.optional(
    z.array(must((text) => text.startsWith('ten_'), 'the id of a tenant, ten_…')).check(z.minLength(1)),
  ),
  ...parts,
  maxComputeSeconds: z.optional(z.int().check(z.gte(1), z.lte(MAX_COMPUTE_SECONDS))),
  windows: z.optional(z.array(Window)),
  monthly: z.optional(MonthlyText),
});

const lines = {
  prices: z.optional(z.array(Line).check(z.minLength(1))),
  experiment: z.optional(
    z.strictObject({
      id: bookId,
      arms: z
        .array(z.strictObject({ book: bookId, weight: z.int().check(z.gte(1), z.lte(MAX_WEIGHT)) }))
        .check(z.minLength(2)),
    }),
  ),
};

/** What a version of a book says: prices or an experiment. */
export const BookLines = z.strictObject(lines);
export type BookLines = z.infer<typeof BookLines>;

const Book = z.strictObject({
  id: bookId,
  version: z.int().check(z.positive()),
  effectiveFrom: utcTime,
  ...lines,
});

/** A price-books file as it is written. What each field means: this folder's README. */
export const PriceBooksFile = z.strictObject({
  /** What one credit is worth, for the agency's own arithmetic; rating never reads it. */
  currency: z.string(),
  usdPerCredit: z.string(),
  books: z.array(Book).check(z.minLength(1)),
});

export type BookText = z.infer<typeof Book>;
export type LineText = z.infer<typeof Line>;
export type WindowText = z.infer<typeof Window>;
export type PartsText = { readonly [Part in keyof typeof parts]?: string | undefined };

/**
 * By hand, because the schema library's own check weighs more than everything else here in a bundle. A day that its
 * month does not have would be read as one of the next month.
 */
function isUtcTime(text: string): boolean {
  if (!UTC_TIME.test(text)) return false;
  const atMs = Date.parse(text);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().slice(0, 10) === text.slice(0, 10);
}
