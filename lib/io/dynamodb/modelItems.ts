import * as z from 'zod/mini';
import { VersionSchema } from '#core/routing/versionSchema.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';

// How a model and its rollout lie in the directory's table.

const ShareItem = z.object({ version: VersionSchema, percent: z.int() });

export const RolloutItem = z.object({
  revision: z.int(),
  canary: z.exactOptional(ShareItem),
  shadow: z.exactOptional(ShareItem),
  former: z.array(VersionSchema),
});

export const ModelItem = z.extend(VersionSchema, {
  tenantId: idSchema<TenantId>('tenant'),
  alias: z.string(),
  createdAtMs: z.int(),
  rollout: z.exactOptional(RolloutItem),
});
