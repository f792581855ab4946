import type { Account, Entry } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { SealKey, SignedSeal } from './types.ts';

/** An entry and its place in the book; places sort as the book does, by time. */
export type PlacedEntry = { readonly place: string; readonly entry: Entry };

/** A stretch of the book: from a moment to another, the second left out; `after` skips up to a place in it. */
export type BookRange = { readonly fromMs: number; readonly toMs: number; readonly after?: string };

/** What statements read of a tenant's book, all strongly consistent, and the seals that they add to it. */
export type StatementBook = {
  readonly readAccount: (tenantId: TenantId) => Promise<Account | undefined>;
  /** The moment of the oldest entry. */
  readonly firstEntryMs: (tenantId: TenantId) => Promise<number | undefined>;
  /** Entries in the order of the book, read page by page. */
  readonly entries: (tenantId: TenantId, range: BookRange) => AsyncIterable<PlacedEntry>;
  /** Days up to this one in which usage was settled after the account had this version. */
  readonly daysSettledSince: (
    tenantId: TenantId,
    version: number,
    lastDay: string,
  ) => Promise<readonly string[]>;
  readonly lastSeal: (tenantId: TenantId) => Promise<KeptSeal | undefined>;
  /** The seals that begin in a month (`2026-11`), in order. */
  readonly sealsOfMonth: (tenantId: TenantId, month: string) => Promise<readonly KeptSeal[]>;
  /** Adds a seal for good; `already_sealed` when one begins at the same moment. */
  readonly addSeal: (seal: KeptSeal) => Promise<'sealed' | 'already_sealed'>;
};

/** A seal with what helps to find its late entries again. */
export type KeptSeal = SignedSeal & {
  /** Days before `from` that have entries in this seal. */
  readonly lateDays: readonly string[];
};

export type Sha256Hex = (text: string) => string;

/** Signs with the newest key; `keys` are all that have signed, newest first. */
export type SealSigner = {
  readonly sign: (text: string) => Promise<{ readonly keyId: string; readonly signature: string }>;
};

export type SealKeys = { readonly list: () => Promise<readonly SealKey[]> };

/** Whether a signature (base64url) over a text is this key's. */
export type VerifySignature = (check: {
  readonly publicKey: string;
  readonly text: string;
  readonly signature: string;
}) => boolean;
