import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId } from '#core/shared/ids.ts';

const EnginePlaceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sagemaker'), endpoint: z.string() }),
  z.object({
    kind: z.literal('openai'),
    url: z.string(),
    model: z.exactOptional(z.string()),
    secret: z.exactOptional(z.string()),
    timeoutMs: z.exactOptional(z.int()),
  }),
]);

/** A version as it is stored and sent. */
export const VersionSchema = z.object({
  baseModel: z.string(),
  adapterId: z.nullable(idSchema<AdapterId>('adapter')),
  inferenceComponentName: z.string(),
  engine: z.exactOptional(EnginePlaceSchema),
});
