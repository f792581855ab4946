import type { TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { Notice, NoticeChannelName, NoticeRecord, NoticeState, NoticeText } from './types.ts';

/** Takes notices to be sent. Resolves when the notice is durable; the same id again changes nothing. */
export type NoticeQueue = { readonly add: (notice: Notice) => Promise<void> };

/** The outbox: every notice, sent or not. */
export type NoticeOutbox = NoticeQueue & {
  /** Notices whose next attempt is due, the longest waiting first. The list may lag; a claim decides. */
  readonly listDue: (nowMs: number, limit: number) => Promise<readonly NoticeRecord[]>;
  /** Takes a due notice for one attempt: until `untilMs` nobody else may. Undefined when somebody was faster. */
  readonly claim: (record: NoticeRecord, untilMs: number) => Promise<NoticeRecord | undefined>;
  /** Writes what became of an attempt; nothing when the claim has passed to somebody else. */
  readonly save: (record: NoticeRecord) => Promise<void>;
  readonly list: (page: {
    readonly state: NoticeState;
    readonly limit: number;
    readonly cursor?: string;
  }) => Promise<{ readonly notices: readonly NoticeRecord[]; readonly nextCursor: string | null }>;
};

/** `isFinal`: another attempt would end the same way. `detail` is for the log. */
export type NoticeNotTaken = {
  readonly code: 'notice_not_taken';
  readonly isFinal: boolean;
  readonly detail: string;
};

/** One way of sending. `id` goes along, so that a receiver can tell a repeat. */
export type NoticeChannel = (
  message: NoticeText & { readonly notice: Notice; readonly address: string },
) => Promise<Result<null, NoticeNotTaken>>;

export type NoticeChannels = Readonly<Record<NoticeChannelName, NoticeChannel>>;

/** Where notices go: an address for each channel that is to be used, and the name to speak of. */
export type NoticeContact = {
  readonly name: string;
  readonly addresses: Partial<Readonly<Record<NoticeChannelName, string>>>;
};

/** Finds the contact of a tenant, or the agency's own. */
export type NoticeContacts = {
  readonly find: (to: Notice['to'], tenantId: TenantId | null) => Promise<NoticeContact | undefined>;
};
