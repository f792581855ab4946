import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { FRESH_MS, USABLE_MS } from '#core/pricing/notice.ts';
import type { PriceBookSource } from '#core/pricing/ports.ts';
import { BookLines } from '#core/pricing/priceBooksFile.ts';
import { bookOf } from '#core/pricing/readPriceBooks.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { Clock } from '#core/shared/world.ts';
import { headKey, isBook, PUBLISHED, PublishedItem, toRevision } from './priceBookItems.ts';
import { type Item, makeTableReader } from './tableReader.ts';

type Copy = { readonly books: readonly PriceBook[]; readonly revision: number; readonly readAtMs: number };

/**
 * The published price books and the `seeds` that came with the deployment, from a copy that calls share: a warm
 * function asks the table one small thing now and then, and for the books when there are new ones.
 */
export function makePriceBookSource(
  client: DynamoDBDocumentClient,
  table: string,
  { seeds, clock }: { readonly seeds: readonly PriceBook[]; readonly clock: Clock },
): PriceBookSource {
  const { get, queryAll } = makeTableReader(client, table);
  let copy: Copy | undefined;
  let reading: Promise<Copy> | undefined;

  const read = async (): Promise<Copy> => {
    const readAtMs = clock(); // before the read: the answer is at least as new as this
    const revision = toRevision(await get(headKey));
    const books = revision === copy?.revision ? copy.books : together(seeds, await published());
    const found = { books, revision, readAtMs };
    // A read that began earlier may end later.
    if (copy === undefined || copy.readAtMs <= readAtMs) copy = found;
    return found;
  };
  const published = async (): Promise<readonly PriceBook[]> => {
    const items = await queryAll({ partition: PUBLISHED, indexed: false, newestFirst: false });
    return items.filter(isBook).map(toBook);
  };
  /** Concurrent calls share one read. */
  const readOnce = (): Promise<Copy> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    current: async () => {
      const ageMs = copy === undefined ? Number.POSITIVE_INFINITY : clock() - copy.readAtMs;
      if (copy === undefined || ageMs > USABLE_MS) return (await readOnce()).books;
      // A refresh that fails leaves the old copy, until it is too old; the next call tries again.
      if (ageMs > FRESH_MS) readOnce().catch(() => undefined);
      return copy.books;
    },
    newest: async () => (await read()).books,
  };
}

/** What this deployment cannot read has no prices here: its calls are refused, and all others go on. */
function toBook(item: Item): PriceBook {
  const { lines, ...named } = z.parse(PublishedItem, item);
  const read = z.safeParse(BookLines, lines);
  return bookOf(named, read.success ? read.data : {});
}

/** Of a version that came with the deployment and was published too, the published one counts: calls name it. */
function together(seeds: readonly PriceBook[], published: readonly PriceBook[]): readonly PriceBook[] {
  const names = new Set(published.map(({ id, version }) => `${id}#${version}`));
  return [...seeds.filter(({ id, version }) => !names.has(`${id}#${version}`)), ...published];
}
