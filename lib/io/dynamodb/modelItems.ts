import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';

// How a model and its rollout lie in the directory's table.

const EnginePlaceItem = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sagemaker'), endpointName: z.string() }),
  z.object({
    kind: z.literal('openai'),
    url: z.string(),
    model: z.exactOptional(z.string()),
    secret: z.exactOptional(z.string()),
    timeoutMs: z.exactOptional(z.int()),
  }),
]);

export const VersionItem = z.object({
  baseModel: z.string(),
  adapterId: z.nullable(idSchema<AdapterId>('adapter')),
  inferenceComponentName: z.string(),
  engine: z.exactOptional(EnginePlaceItem),
});

const ShareItem = z.object({ version: VersionItem, percent: z.int() });

export const RolloutItem = z.object({
  revision: z.int(),
  canary: z.exactOptional(ShareItem),
  shadow: z.exactOptional(ShareItem),
  former: z.array(VersionItem),
});

export const ModelItem = z.extend(VersionItem, {
  tenantId: idSchema<TenantId>('tenant'),
  alias: z.string(),
  createdAtMs: z.int(),
  rollout: z.exactOptional(RolloutItem),
});
