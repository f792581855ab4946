import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { AdapterStore } from '#core/adapters/ports.ts';
import { ADAPTER_STATUSES, type Adapter } from '#core/adapters/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, AdapterUploadId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { adapterKey, adapterPartition } from './adapterUse.ts';
import { auditItem } from './directoryItems.ts';
import { makeTableReader } from './tableReader.ts';
import { writeTogether } from './writeTogether.ts';

// In the directory's table: `adapters#<tenant>` / `<id>`, by time in the index under the same name; an upload that
// became an adapter as `adapterUploads#<tenant>` / `<upload>`.
const uploadMarkerKey = (tenantId: TenantId, id: AdapterUploadId) => ({
  pk: `adapterUploads#${tenantId}`,
  sk: id,
});

const MS_DIGITS = 15;
const position = ({ createdAtMs, id }: Adapter) => `${String(createdAtMs).padStart(MS_DIGITS, '0')}#${id}`;

/** What comes from outside is kept as JSON text: a number that the database cannot hold must not fail a request. */
const adapterItem = ({ lineage, probes, fingerprint, ...adapter }: Adapter) => ({
  ...adapterKey(adapter.tenantId, adapter.id),
  listPk: adapterPartition(adapter.tenantId),
  listSk: position({ lineage, probes, fingerprint, ...adapter }),
  ...adapter,
  lineage: JSON.stringify(lineage),
  probes: JSON.stringify(probes),
  fingerprint: JSON.stringify(fingerprint),
});

const adapterId = idSchema<AdapterId>('adapter');
const AdapterItem = z.object({
  id: adapterId,
  tenantId: idSchema<TenantId>('tenant'),
  baseModel: z.string(),
  baseSha256: z.string(),
  content: z.object({
    configSha256: z.string(),
    weightsSha256: z.string(),
    weightsBytes: z.int(),
    rank: z.int(),
  }),
  lineage: z.string(),
  probes: z.string(),
  fingerprint: z.string(),
  modelNames: z.exactOptional(z.array(z.string())),
  unnamed: z.exactOptional(z.literal(true)),
  status: z.enum(ADAPTER_STATUSES),
  statusDetails: z.nullable(z.string()),
  endpoint: z.exactOptional(z.string()),
  move: z.exactOptional(
    z.object({
      state: z.enum(['coming', 'leaving']),
      endpoint: z.nullable(z.string()),
      sinceMs: z.int(),
    }),
  ),
  outage: z.exactOptional(
    z.object({
      sinceMs: z.int(),
      why: z.string(),
      tries: z.int(),
      nextTryAtMs: z.nullable(z.int()),
    }),
  ),
  version: z.int(),
  createdAtMs: z.int(),
  statusAtMs: z.int(),
});
const Lineage = z.object({
  source: z.enum(['training_job', 'upload']),
  jobId: z.nullable(idSchema<TrainingJobId>('trainingJob')),
  checkpoint: z.exactOptional(z.object({ epoch: z.int(), step: z.int() })),
  dataset: z.nullable(
    z.object({
      sha256: z.string(),
      validationSha256: z.nullable(z.string()),
      examples: z.nullable(z.number()),
    }),
  ),
  hyperParameters: z.record(z.string(), z.unknown()),
  metrics: z.record(z.string(), z.number()),
  versions: z.record(z.string(), z.string()),
  trainedSeconds: z.nullable(z.number()),
});
const Probes = z.array(
  z.object({
    messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
  }),
);
const Fingerprint = z.nullable(
  z.object({
    answers: z.array(z.string()),
    baseAnswers: z.array(z.string()),
    asked: z.int(),
    provenAtMs: z.int(),
  }),
);
const UploadMarker = z.object({ adapterId });

function toAdapter(item: unknown): Adapter {
  const { lineage, probes, fingerprint, ...rest } = z.parse(AdapterItem, item);
  return {
    ...rest,
    lineage: z.parse(Lineage, JSON.parse(lineage)),
    probes: z.parse(Probes, JSON.parse(probes)),
    fingerprint: z.parse(Fingerprint, JSON.parse(fingerprint)),
  };
}

/** Adapters' records on the directory's table. */
export function makeAdapterStore(client: DynamoDBDocumentClient, table: string): AdapterStore {
  const { get, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);
  return {
    create: (adapter, { uploadId, audit }) =>
      write([
        { Put: { Item: adapterItem(adapter), ConditionExpression: 'attribute_not_exists(pk)' } },
        ...(audit === undefined ? [] : [{ Put: { Item: auditItem(audit) } }]),
        ...(uploadId === undefined
          ? []
          : [{ Put: { Item: { ...uploadMarkerKey(adapter.tenantId, uploadId), adapterId: adapter.id } } }]),
      ]),
    read: async (tenantId, id) => {
      const item = await get(adapterKey(tenantId, id));
      return item === undefined ? undefined : toAdapter(item);
    },
    findUploaded: async (tenantId, uploadId) => {
      const item = await get(uploadMarkerKey(tenantId, uploadId));
      return item === undefined ? undefined : z.parse(UploadMarker, item).adapterId;
    },
    list: async (tenantId, page) => {
      const list = { partition: adapterPartition(tenantId), indexed: true, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const adapters = items.map(toAdapter);
      const last = adapters.at(-1);
      return { adapters, nextCursor: more && last !== undefined ? position(last) : null };
    },
    change: (before, after, audit) =>
      write([
        {
          Put: {
            Item: adapterItem(after),
            ConditionExpression: 'attribute_exists(pk) AND #version = :version',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': before.version },
          },
        },
        ...(audit === undefined ? [] : [{ Put: { Item: auditItem(audit) } }]),
      ]),
  };
}
