import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { nextGrantExpiryMs } from '#core/ledger/account.ts';
import type { EntryDraft } from '#core/ledger/change.ts';
import { rollupKey } from '#core/ledger/rollup.ts';
import {
  type Account,
  ENTRY_KINDS,
  ENTRY_SOURCES,
  type Entry,
  type EntrySource,
  GRANT_KINDS,
  type GrantRecord,
  type Hold,
  type UsageRollup,
} from '#core/ledger/types.ts';
import type { AccountLimits } from '#core/limits/types.ts';
import { OPERATIONS } from '#core/metering/types.ts';
import { MONTHLY_MEASURES } from '#core/pricing/types.ts';
import type { EntryId, GrantId, HoldId, KeyId, RequestId, TenantId, UsageEventId } from '#core/shared/ids.ts';
import { idSchema, microSchema } from '#core/shared/schemas.ts';
import { countedSchema, limitsSchema } from './limitRows.ts';

/** The keys of a tenant's rows; one partition a tenant, and the book in order of time within it. */
export const ledgerKeys = {
  partition: (tenantId: TenantId) => `TEN#${tenantId}`,
  account: 'ACCOUNT',
  entryPrefix: 'ENTRY#',
  /** Usage names its moment itself, so that its entry is its own unique marker. */
  entry: (entry: Pick<EntryDraft, 'atMs' | 'source' | 'kind'>) => {
    const at = new Date(entry.atMs).toISOString();
    const source = `${entry.source.kind}#${bounded(entry.source.id)}`;
    return `ENTRY#${at}#${source}${entry.source.kind === 'usage' ? '' : `#${entry.kind}`}`;
  },
  grant: (grantId: GrantId) => `GRANT#${grantId}`,
  mark: (source: EntrySource) => `MARK#${source.kind}#${bounded(source.id)}`,
  month: (counter: string) => `MONTH#${counter}`,
  rollupPrefix: 'ROLL#',
  rollup: (rollup: Pick<UsageRollup, 'day' | 'keyId' | 'model'>) => `ROLL#${rollupKey(rollup)}`,
};

const MAX_KEY_PART = 256;

// Ids from outside may be longer than a sort key may be.
const bounded = (id: string): string => (Buffer.byteLength(id) <= MAX_KEY_PART ? id : `sha256-${sha256(id)}`);

export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

const tenantId = idSchema<TenantId>('tenant');
const keyId = idSchema<KeyId>('key');
const holdId = idSchema<HoldId>('hold');
const grantId = idSchema<GrantId>('grant');
const grantKind = z.enum(GRANT_KINDS);

const accountSchema = z.object({
  tenantId,
  status: z.enum(['active', 'suspended', 'closed']),
  availableMicro: microSchema,
  heldMicro: microSchema,
  overdraftLimitMicro: microSchema,
  debtMicro: microSchema,
  holds: z.record(
    z.string(),
    z.object({
      keyId,
      amountMicro: microSchema,
      expiresAtMs: z.int(),
      counted: z.exactOptional(countedSchema),
    }),
  ),
  grants: z.record(
    z.string(),
    z.object({
      id: grantId,
      kind: grantKind,
      remainingMicro: microSchema,
      expiresAtMs: z.exactOptional(z.int()),
    }),
  ),
  keyStops: z.record(z.string(), z.int()),
  version: z.int(),
  limits: z.exactOptional(limitsSchema),
});

/** Reads the limits off an account's item or off what a write returned of it. */
export const toLimits = (item: Readonly<Record<string, unknown>>): AccountLimits | undefined =>
  item['limits'] === undefined ? undefined : limitsSchema.parse(item['limits']);

/** A hold as it lies in the account's item: its id is its name there. */
export const fromHold = ({ id: _, ...hold }: Hold) => hold;

/** Reads the account's item. Throws when it is not one: nobody but this store writes it. */
export function toAccount(item: unknown): Account {
  const { holds, ...account } = accountSchema.parse(item);
  return {
    ...account,
    holds: Object.fromEntries(
      Object.entries(holds).map(([id, hold]) => [id, { id: holdId.parse(id), ...hold }]),
    ),
  };
}

/** The item of a new account. The maps must exist before the first hold can be put into them. */
export const fromAccount = (account: Account) => ({
  pk: ledgerKeys.partition(account.tenantId),
  sk: ledgerKeys.account,
  ...account,
  nextGrantExpiryMs: nextGrantExpiryMs(account),
  archiveDue: {},
});

export const sourceSchema = z.object({
  kind: z.enum(ENTRY_SOURCES),
  id: z.string(),
});

const usageEventSchema = z.object({
  id: idSchema<UsageEventId>('usageEvent'),
  tenantId,
  keyId,
  requestId: idSchema<RequestId>('request'),
  holdId,
  model: z.string(),
  adapter: z.nullable(z.string()),
  operation: z.enum(OPERATIONS),
  user: z.nullable(z.string()),
  inputTokens: z.int(),
  outputTokens: z.int(),
  choices: z.int(),
  computeMs: z.number(),
  timeToFirstTokenMs: z.nullable(z.number()),
  status: z.enum(['succeeded', 'client_closed', 'engine_failed']),
  startedAtMs: z.int(),
  endedAtMs: z.int(),
  version: z.exactOptional(z.string()),
  servedBy: z.exactOptional(z.enum(['stable', 'canary'])),
  rollout: z.exactOptional(z.int()),
  priceBook: z.object({
    id: z.string(),
    version: z.int(),
    armOf: z.exactOptional(z.object({ experiment: z.string(), book: z.string(), version: z.int() })),
  }),
});

const measure = z.enum(MONTHLY_MEASURES);
const monthlySchema = z.object({
  counter: z.string(),
  shares: z.array(z.object({ measure, before: z.int(), used: z.int(), amountMicro: microSchema })),
});

const entrySchema = z.object({
  id: idSchema<EntryId>('entry'),
  tenantId,
  kind: z.enum(ENTRY_KINDS),
  amountMicro: microSchema,
  atMs: z.int(),
  accountVersion: z.int(),
  source: sourceSchema,
  inputHash: z.string(),
  grantId: z.exactOptional(grantId),
  holdId: z.exactOptional(holdId),
  shortfallMicro: z.exactOptional(microSchema),
  overageMicro: z.exactOptional(microSchema),
  reason: z.exactOptional(z.string()),
  actor: z.exactOptional(z.string()),
  monthly: z.exactOptional(monthlySchema),
  usage: z.exactOptional(usageEventSchema),
});

export const toEntry = (item: unknown): Entry => entrySchema.parse(item);

/** An entry's id follows from its source and kind, so that an attempt repeated writes the same row. */
export function finishEntry(draft: EntryDraft, inputHash: string): Entry {
  const identity = JSON.stringify([draft.tenantId, draft.source.kind, draft.source.id, draft.kind]);
  return { ...draft, id: entryId.parse(`ent_${sha256(identity).slice(0, 32)}`), inputHash };
}
const entryId = idSchema<EntryId>('entry');

export const fromEntry = (entry: Entry) => ({
  pk: ledgerKeys.partition(entry.tenantId),
  sk: ledgerKeys.entry(entry),
  ...entry,
});

const grantRecordSchema = z.object({
  id: grantId,
  kind: grantKind,
  amountMicro: microSchema,
  expiresAtMs: z.exactOptional(z.int()),
  takenBackMicro: microSchema,
  frozenMicro: microSchema,
  frozenBy: z.array(z.string()),
});

export const toGrantRecord = (item: unknown): GrantRecord => grantRecordSchema.parse(item);

/** Which entries a source made, by kind, with the hash of the input that made each. */
export type SourceMark = Readonly<Record<string, string>>;

export const toSourceMark = (item: unknown): SourceMark =>
  item === undefined ? {} : z.object({ made: z.record(z.string(), z.string()) }).parse(item).made;

const rollupSchema = z.object({
  day: z.string(),
  keyId,
  model: z.string(),
  calls: z.int(),
  failedCalls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  computeMs: z.number(),
  costMicro: microSchema,
});

export const toRollup = (item: unknown): UsageRollup => rollupSchema.parse(item);
