import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { ArmBook, ExperimentName } from '#core/pricing/recordArms.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { conditionHeld } from './conditionHeld.ts';
import { makeTableReader } from './tableReader.ts';

const Item = z.object({ tenantId: idSchema<TenantId>('tenant'), arm: z.string(), atMs: z.int() });

/** What a warm function remembers, so that it writes a tenant down once. */
const MAX_KNOWN = 10_000;

/** Arms of price experiments, in the table of versions: `arms#<book>#<experiment>` / `<tenant>`. They stay for good. */
export function makeArmBook(client: DynamoDBDocumentClient, table: string): ArmBook {
  const { queryAll } = makeTableReader(client, table);
  const known = new Set<string>();
  return {
    record: async (of, recorded) => {
      const key = { pk: partition(of), sk: recorded.tenantId };
      const name = `${key.pk}/${key.sk}`;
      if (known.has(name)) return;
      const Put = {
        TableName: table,
        Item: { ...key, ...recorded },
        ConditionExpression: 'attribute_not_exists(pk)',
      };
      await conditionHeld(client.send(new PutCommand(Put)));
      if (known.size >= MAX_KNOWN) known.clear();
      known.add(name);
    },
    list: async (of) => {
      const items = await queryAll({ partition: partition(of), indexed: false, newestFirst: false });
      return items.map((item) => z.parse(Item, item));
    },
  };
}

const partition = ({ book, experiment }: ExperimentName): string => `arms#${book}#${experiment}`;
