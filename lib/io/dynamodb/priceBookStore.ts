import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { KeptBook, PriceBookStore } from '#core/pricing/ports.ts';
import { BookLines } from '#core/pricing/priceBooksFile.ts';
import { auditItem } from './directoryItems.ts';
import { bookKey, DRAFTS, headKey, isBook, PUBLISHED, toRevision } from './priceBookItems.ts';
import { makeTableReader } from './tableReader.ts';
import { updateOf, type Write, writeTogether } from './writeTogether.ts';

const KeptItem = z.object({
  id: z.string(),
  version: z.int(),
  lines: BookLines,
  effectiveFromMs: z.nullable(z.int()),
  changedAtMs: z.int(),
});
const toKept = (item: unknown): KeptBook => z.parse(KeptItem, item);

const NOT_THERE = 'attribute_not_exists(pk)';
const THERE = 'attribute_exists(pk)';

/** The agency's price books on the directory's table; where they stand is said in `priceBookItems.ts`. */
export function makePriceBookStore(client: DynamoDBDocumentClient, table: string): PriceBookStore {
  const { get, queryAll } = makeTableReader(client, table);
  const write = writeTogether(client, table);
  const listOf = (partition: string) => queryAll({ partition, indexed: false, newestFirst: false });

  return {
    read: async (id, version) => {
      const [published, draft] = await Promise.all(
        [PUBLISHED, DRAFTS].map((partition) => get(bookKey(partition, { id, version }))),
      );
      const item = published ?? draft;
      return item === undefined ? undefined : toKept(item);
    },
    list: async () => {
      const [published, drafts] = await Promise.all([listOf(PUBLISHED), listOf(DRAFTS)]);
      return [...published.filter(isBook), ...drafts].map(toKept).sort(byName);
    },
    revision: async () => toRevision(await get(headKey)),
    createDraft: (draft, audit) =>
      write([
        { ConditionCheck: { Key: bookKey(PUBLISHED, draft), ConditionExpression: NOT_THERE } },
        { Put: { Item: { ...bookKey(DRAFTS, draft), ...draft }, ConditionExpression: NOT_THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    replaceDraft: (draft, audit) =>
      write([
        { Put: { Item: { ...bookKey(DRAFTS, draft), ...draft }, ConditionExpression: THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    publish: ({ draft, effectiveFromMs, nowMs, revision }, audit) =>
      write([
        {
          Delete: {
            Key: bookKey(DRAFTS, draft),
            ConditionExpression: '#lines = :lines',
            ExpressionAttributeNames: { '#lines': 'lines' },
            ExpressionAttributeValues: { ':lines': draft.lines },
          },
        },
        {
          Put: {
            Item: { ...bookKey(PUBLISHED, draft), ...draft, effectiveFromMs, changedAtMs: nowMs },
            ConditionExpression: NOT_THERE,
          },
        },
        nextRevision(revision),
        { Put: { Item: auditItem(audit) } },
      ]),
    withdraw: ({ draft, effectiveFromMs, revision }, audit) =>
      write([
        {
          Delete: {
            Key: bookKey(PUBLISHED, draft),
            ConditionExpression: 'effectiveFromMs = :from',
            ExpressionAttributeValues: { ':from': effectiveFromMs },
          },
        },
        { Put: { Item: { ...bookKey(DRAFTS, draft), ...draft }, ConditionExpression: NOT_THERE } },
        nextRevision(revision),
        { Put: { Item: auditItem(audit) } },
      ]),
  };
}

/** Tells every copy that the published books are others, as long as nobody did since they were looked at. */
const nextRevision = (revision: number): Write => ({
  Update: {
    Key: headKey,
    ...updateOf({ revision: revision + 1 }),
    ...(revision === 0
      ? { ConditionExpression: NOT_THERE }
      : {
          ConditionExpression: 'revision = :before',
          ExpressionAttributeValues: { ':revision': revision + 1, ':before': revision },
        }),
  },
});

const byName = (a: KeptBook, b: KeptBook): number =>
  a.id === b.id ? a.version - b.version : a.id < b.id ? -1 : 1;
