import * as z from 'zod/mini';
import { ENTRY_KINDS } from '#core/ledger/types.ts';
import type { EntryId, TenantId } from '#core/shared/ids.ts';
import { idSchema, microSchema } from '#core/shared/schemas.ts';

// Schemas, because these shapes are read back twice: from the table, and from a file that anybody may have changed.

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const moment = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/));
const count = z.int().check(z.gte(0));
const entryKind = z.enum(ENTRY_KINDS);
const tenantId = idSchema<TenantId>('tenant');

export const receiptSchema = z.strictObject({
  tenantId,
  sequence: z.int().check(z.gte(1)),
  entryId: idSchema<EntryId>('entry'),
  kind: entryKind,
  amountMicro: microSchema,
  at: moment,
  accountVersion: count,
  source: z.strictObject({ kind: z.string(), id: z.string() }),
  grantId: z.nullable(z.string()),
  reason: z.nullable(z.string()),
  shortfallMicro: microSchema,
  usage: z.nullable(
    z.strictObject({
      requestId: z.string(),
      keyId: z.string(),
      model: z.string(),
      adapter: z.nullable(z.string()),
      operation: z.string(),
      status: z.string(),
      inputTokens: count,
      outputTokens: count,
      choices: count,
      computeMs: z.number(),
      priceBook: z.strictObject({ id: z.string(), version: z.int() }),
    }),
  ),
  previousHash: hash,
  hash,
});

/**
 * The facts of one entry of the account book as a link of the tenant's chain. `sequence` counts from 1 without a
 * gap; `hash` is the SHA-256 of the canonical JSON of all other fields, `previousHash` the hash of the link before.
 */
export type Receipt = Readonly<z.output<typeof receiptSchema>>;

export const lineSchema = z.strictObject({
  day: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/)),
  kind: entryKind,
  sourceKind: z.string(),
  model: z.nullable(z.string()),
  entries: count,
  amountMicro: microSchema,
  inputTokens: count,
  outputTokens: count,
});

/** Entries of one day (UTC, of the moment they carry), kind, source and model, summed. */
export type StatementLine = Readonly<z.output<typeof lineSchema>>;

export const sealSchema = z.strictObject({
  tenantId,
  number: z.int().check(z.gte(1)),
  from: moment,
  to: moment,
  accountVersion: count,
  firstSequence: z.int().check(z.gte(1)),
  receipts: count,
  openingMicro: microSchema,
  closingMicro: microSchema,
  previousHash: hash,
  headHash: hash,
  lines: z.array(lineSchema),
});

/**
 * A stretch of the book that is closed for good: the receipts of every entry between `from` and `to`, and of those
 * before `from` that no earlier seal holds, all as the book stood at `accountVersion`.
 */
export type Seal = Readonly<z.output<typeof sealSchema>>;

export const signedSealSchema = z.strictObject({
  seal: sealSchema,
  keyId: z.string(),
  signature: z.string(),
});

/** A seal and the agency's Ed25519 signature over it (base64url), by the key of this id. */
export type SignedSeal = Readonly<z.output<typeof signedSealSchema>>;

/** A key that signs seals; `publicKey` is its 32 bytes in base64url, `id` the first half of their SHA-256. */
export type SealKey = { readonly id: string; readonly publicKey: string };

export type Statement = {
  readonly tenantId: TenantId;
  /** `2026-11`, UTC. */
  readonly month: string;
  /** `issued`: every part of the month is sealed, and nothing in it changes any more. */
  readonly status: 'open' | 'issued';
  readonly openingMicro: Seal['openingMicro'];
  readonly closingMicro: Seal['closingMicro'];
  readonly lines: readonly StatementLine[];
  readonly seals: readonly SignedSeal[];
};
