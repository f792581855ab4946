import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { PageRequest } from '#core/tenants/ports.ts';

const MAX_PAGE_ITEMS = 100;
/** What is read whole comes in one page of 1 MB nearly always; this bounds the strange rest. */
const MAX_QUERY_PAGES = 20;
const LIST_INDEX = 'byList';

export type Item = Readonly<Record<string, unknown>>;

/** A partition, of the table itself or of its index, in the order of its sort key. */
export type List = { readonly partition: string; readonly indexed: boolean; readonly newestFirst: boolean };

/** Reads of one table: by key, a partition whole, or a partition by pages. */
export function makeTableReader(client: DynamoDBDocumentClient, table: string) {
  const get = async (key: { readonly pk: string; readonly sk: string }): Promise<Item | undefined> =>
    (await client.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }))).Item;

  const queryAll = async (list: List): Promise<readonly Item[]> => {
    const items: Item[] = [];
    let start: QueryCommandInput['ExclusiveStartKey'];
    for (let page = 0; page < MAX_QUERY_PAGES; page++) {
      const answer = await client.send(
        new QueryCommand({ TableName: table, ...queryOf(list, undefined), ExclusiveStartKey: start }),
      );
      items.push(...(answer.Items ?? []));
      start = answer.LastEvaluatedKey;
      if (start === undefined) return items;
    }
    throw new Error(`a list in ${table} has more than ${MAX_QUERY_PAGES} pages`);
  };

  /** The items after a position. A position is a sort key's text: whatever a client sends as one is valid. */
  const queryPage = async (list: List, { limit, cursor }: PageRequest) => {
    const size = Math.min(limit, MAX_PAGE_ITEMS);
    const answer = await client.send(
      // One more item than wanted tells whether there is a next page.
      new QueryCommand({ TableName: table, ...queryOf(list, cursor), Limit: size + 1 }),
    );
    const items: readonly Item[] = answer.Items ?? [];
    return { items: items.slice(0, size), more: items.length > size };
  };

  return { get, queryAll, queryPage };
}

function queryOf({ partition, indexed, newestFirst }: List, cursor: string | undefined) {
  const [pk, sk] = indexed ? ['listPk', 'listSk'] : ['pk', 'sk'];
  const after = cursor === undefined ? '' : ` AND ${sk} ${newestFirst ? '<' : '>'} :cursor`;
  return {
    ...(indexed ? { IndexName: LIST_INDEX } : { ConsistentRead: true }),
    KeyConditionExpression: `${pk} = :partition${after}`,
    ExpressionAttributeValues: {
      ':partition': partition,
      ...(cursor === undefined ? {} : { ':cursor': cursor }),
    },
    ScanIndexForward: !newestFirst,
  };
}
