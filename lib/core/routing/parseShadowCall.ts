import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { RequestId, TenantId } from '#core/shared/ids.ts';
import type { ShadowCall } from './types.ts';
import { VersionSchema } from './versionSchema.ts';

const ShadowCallSchema = z.object({
  requestId: idSchema<RequestId>('request'),
  tenantId: idSchema<TenantId>('tenant'),
  alias: z.string(),
  version: VersionSchema,
  body: z.record(z.string(), z.unknown()),
  choices: z.int(),
  answerHash: z.int(),
});

/** Reads a message of the shadow queue; undefined when it is none. */
export function parseShadowCall(body: string): ShadowCall | undefined {
  try {
    return z.safeParse(ShadowCallSchema, JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
