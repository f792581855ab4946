import type { AuditRecord } from '#core/tenants/ports.ts';
import type { BookLines } from './priceBooksFile.ts';
import type { PriceBook } from './types.ts';

/**
 * The published price books of this deployment and those that came with it. A book is published so long before it
 * comes in force that every copy of `current`, however warm, has it by then: see `notice.ts`.
 */
export type PriceBookSource = {
  readonly current: () => Promise<readonly PriceBook[]>;
  /** Read anew: for a version that `current` does not have. */
  readonly newest: () => Promise<readonly PriceBook[]>;
};

/**
 * One version of a book as the agency wrote it. Drafts may be changed; what is published stays as it is, for good once it
 * is in force, and may become a draft again before.
 */
export type KeptBook = {
  readonly id: string;
  readonly version: number;
  readonly lines: BookLines;
  /** Null: a draft. */
  readonly effectiveFromMs: number | null;
  readonly changedAtMs: number;
};

export type Publication = {
  readonly draft: KeptBook;
  readonly effectiveFromMs: number;
  readonly nowMs: number;
  /** The revision of the published books that the publication was checked against. */
  readonly revision: number;
};

export type Withdrawal = {
  /** The version as the draft that it becomes. */
  readonly draft: KeptBook;
  /** When it would have come in force. */
  readonly effectiveFromMs: number;
  readonly revision: number;
};

/** The books that the agency wrote. A write and its audit record are one transaction. */
export type PriceBookStore = {
  readonly read: (id: string, version: number) => Promise<KeptBook | undefined>;
  /** Every version, drafts too, by id and version. */
  readonly list: () => Promise<readonly KeptBook[]>;
  /** How often something was published or withdrawn. */
  readonly revision: () => Promise<number>;
  /** False when there is such a version already. */
  readonly createDraft: (draft: KeptBook, audit: AuditRecord) => Promise<boolean>;
  /** False when there is no such draft, or no longer. */
  readonly replaceDraft: (draft: KeptBook, audit: AuditRecord) => Promise<boolean>;
  /** False when the draft changed or went, or something was published since `revision`. */
  readonly publish: (publication: Publication, audit: AuditRecord) => Promise<boolean>;
  /** False when the version went, or something was published or withdrawn since `revision`. */
  readonly withdraw: (withdrawal: Withdrawal, audit: AuditRecord) => Promise<boolean>;
};
