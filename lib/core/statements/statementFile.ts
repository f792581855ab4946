import * as z from 'zod/mini';
import type { TenantId } from '#core/shared/ids.ts';
import { idSchema } from '#core/shared/schemas.ts';
import { canonicalJson } from './canonicalJson.ts';
import { type SealKey, type SignedSeal, signedSealSchema } from './types.ts';

const FORMAT = 'tunegate-statement-1';

export const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  tenantId: idSchema<TenantId>('tenant'),
  month: z.string(),
  keys: z.array(z.strictObject({ id: z.string(), publicKey: z.string() })),
  seals: z.array(signedSealSchema),
});

/**
 * The first line of a statement file: the month's seals and the keys that signed them. Every further line is one
 * receipt, in the order of the chain. Each line is canonical JSON and ends with a line feed.
 */
export type StatementHeader = z.output<typeof headerSchema>;

/** The first line, without its end. Of the keys, those that signed one of the seals. */
export function headerLine(statement: {
  readonly tenantId: TenantId;
  readonly month: string;
  readonly keys: readonly SealKey[];
  readonly seals: readonly SignedSeal[];
}): string {
  const { tenantId, month, keys, seals } = statement;
  const used = keys.filter(({ id }) => seals.some(({ keyId }) => keyId === id));
  const header = { format: FORMAT, tenantId, month, keys: used, seals: [...seals] };
  return canonicalJson(header);
}
