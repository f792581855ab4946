import * as z from 'zod/mini';

// In the directory's table: what is published stands as `price-books` / `book#<id>#<version>`, beside `head`, which
// counts publications and withdrawals; drafts stand apart as `price-book-drafts`, so that calls never read them.
export const PUBLISHED = 'price-books';
export const DRAFTS = 'price-book-drafts';
const VERSION_DIGITS = 9;

export const headKey = { pk: PUBLISHED, sk: 'head' };
export const bookKey = (
  partition: string,
  { id, version }: { readonly id: string; readonly version: number },
) => ({
  pk: partition,
  sk: `book#${id}#${String(version).padStart(VERSION_DIGITS, '0')}`,
});

const HeadItem = z.object({ revision: z.int() });
/** How often something was published; 0 before the first time. */
export const toRevision = (item: unknown): number =>
  item === undefined ? 0 : z.parse(HeadItem, item).revision;

const named = { id: z.string(), version: z.int() };
export const PublishedItem = z.object({ ...named, effectiveFromMs: z.int(), lines: z.unknown() });
export const isBook = (item: Readonly<Record<string, unknown>>): boolean => item['sk'] !== headKey.sk;
