import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { CopiesBook } from '#core/adapters/ports.ts';
import { makeTableReader } from './tableReader.ts';

/** No endpoint's short name. */
const SHARED = '*';
const keyOf = (endpoint: string | null) => ({ pk: 'endpointCopies', sk: endpoint ?? SHARED });
const Item = z.object({ copies: z.int(), grownAtMs: z.int() });

/** What is remembered of endpoints' copies, in the directory's table: `endpointCopies` / `<endpoint>`. */
export function makeCopiesBook(client: DynamoDBDocumentClient, table: string): CopiesBook {
  const { get } = makeTableReader(client, table);
  return {
    read: async (endpoint) => {
      const item = await get(keyOf(endpoint));
      return item === undefined ? undefined : z.parse(Item, item);
    },
    write: async (endpoint, seen) => {
      await client.send(new PutCommand({ TableName: table, Item: { ...keyOf(endpoint), ...seen } }));
    },
  };
}
