import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { RolloutRecord, RolloutStore } from '#core/routing/ports.ts';
import { VersionSchema } from '#core/routing/versionSchema.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { writeUse } from './adapterUse.ts';
import { auditItem, modelItem, modelKey, toModel } from './directoryItems.ts';
import { RolloutItem } from './modelItems.ts';
import { makeTableReader } from './tableReader.ts';
import { writeTogether } from './writeTogether.ts';

const REVISION_DIGITS = 9;
const MS_DIGITS = 15;

/** A model that was removed and made anew begins a new history, beside the old one. */
const historyPartition = ({
  tenantId,
  alias,
  createdAtMs,
}: Pick<ModelRoute, 'tenantId' | 'alias' | 'createdAtMs'>) =>
  `rollout#${tenantId}#${String(createdAtMs).padStart(MS_DIGITS, '0')}#${alias}`;
const position = (revision: number) => String(revision).padStart(REVISION_DIGITS, '0');

const RecordItem = z.object({
  tenantId: idSchema<TenantId>('tenant'),
  alias: z.string(),
  revision: z.int(),
  atMs: z.int(),
  action: z.enum(['promote', 'canary', 'shadow', 'rollback', 'move']),
  actor: z.string(),
  reason: z.string(),
  stable: VersionSchema,
  canary: RolloutItem.shape.canary,
  shadow: RolloutItem.shape.shadow,
});
const toRecord = (item: unknown): RolloutRecord => z.parse(RecordItem, item);

/** Rollouts in the directory's table: a model's is part of its item, its history lies in a partition of its own. */
export function makeRolloutStore(client: DynamoDBDocumentClient, table: string): RolloutStore {
  const { get, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);
  return {
    readModel: async (tenantId, alias) => {
      const item = await get(modelKey(tenantId, alias));
      return item === undefined ? undefined : toModel(item);
    },
    replace: ({ previous, next, record, audit, uses = [] }) =>
      write([
        { Put: { Item: modelItem(next), ...stillAs(previous) } },
        { Put: { Item: { pk: historyPartition(next), sk: position(record.revision), ...record } } },
        { Put: { Item: auditItem(audit) } },
        ...uses.map(writeUse),
      ]),
    history: async (model, page) => {
      const list = { partition: historyPartition(model), indexed: false, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const records = items.map(toRecord);
      const last = records.at(-1);
      return { records, nextCursor: more && last !== undefined ? position(last.revision) : null };
    },
  };
}

/** Revisions begin anew with a model that is made anew, so its moment counts too. */
const stillAs = ({ createdAtMs, rollout }: ModelRoute) => ({
  ConditionExpression:
    rollout === undefined
      ? 'createdAtMs = :createdAtMs AND attribute_not_exists(rollout)'
      : 'createdAtMs = :createdAtMs AND rollout.revision = :revision',
  ExpressionAttributeValues: {
    ':createdAtMs': createdAtMs,
    ...(rollout === undefined ? {} : { ':revision': rollout.revision }),
  },
});
