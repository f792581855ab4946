import { ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import type { NoticeChannels, NoticeContacts, NoticeNotTaken, NoticeOutbox } from './ports.ts';
import { renderNotice } from './templates.ts';
import { NOTICE_CHANNELS, type NoticeChannelName, type NoticeRecord } from './types.ts';

export type SendNoticesDeps = {
  readonly outbox: Pick<NoticeOutbox, 'listDue' | 'claim' | 'save'>;
  readonly channels: NoticeChannels;
  readonly contacts: NoticeContacts;
  readonly clock: Clock;
};

const MINUTE_MS = 60_000;
/** Longer than a channel's own time limit: two senders never have one notice at a time. */
const CLAIM_MS = 5 * MINUTE_MS;
const NOTICES_A_RUN = 100;
/** When the next attempt follows the n-th failure; after the last a person has to look. */
const BACK_OFF_MINUTES = [1, 5, 30, 120, 480, 1_440];

/** Sends what is due. Answers the notices that were tried, as they are now. */
export async function sendNotices(deps: SendNoticesDeps): Promise<readonly NoticeRecord[]> {
  const tried: NoticeRecord[] = [];
  for (const due of await deps.outbox.listDue(deps.clock(), NOTICES_A_RUN)) {
    const claimed = await deps.outbox.claim(due, deps.clock() + CLAIM_MS);
    if (claimed !== undefined) tried.push(await sendOne(deps, claimed));
  }
  return tried;
}

/**
 * Tries every channel that has not taken the notice yet, and notes each success at once: only a crash between a
 * channel's yes and our note can send twice, and then under the same id.
 */
async function sendOne(deps: SendNoticesDeps, claimed: NoticeRecord): Promise<NoticeRecord> {
  const contact = await deps.contacts.find(claimed.to, claimed.tenantId);
  const addresses = contact?.addresses ?? {};
  const wanted = NOTICE_CHANNELS.filter((channel) => addresses[channel] !== undefined);
  let record = claimed;
  let refused: NoticeNotTaken | undefined;
  for (const channel of wanted) {
    const address = addresses[channel];
    if (address === undefined || record.sentBy.includes(channel)) continue;
    const words = renderNotice(record.content.kind, record.content, contact?.name ?? '');
    const sent = await deliver(deps.channels, channel, { ...words, notice: record, address });
    if (sent.ok) {
      record = { ...record, sentBy: [...record.sentBy, channel] };
      await deps.outbox.save(record);
    } else refused = sent.error;
  }
  const ended = outcomeOf(record, { wanted: wanted.length, refused, nowMs: deps.clock() });
  await deps.outbox.save(ended);
  return ended;
}

async function deliver(
  channels: NoticeChannels,
  channel: NoticeChannelName,
  message: Parameters<NoticeChannels[NoticeChannelName]>[0],
): Promise<Result<null, NoticeNotTaken>> {
  const sent = await channels[channel](message);
  return sent.ok
    ? ok(null)
    : { ok: false, error: { ...sent.error, detail: `${channel}: ${sent.error.detail}` } };
}

function outcomeOf(
  record: NoticeRecord,
  end: { readonly wanted: number; readonly refused: NoticeNotTaken | undefined; readonly nowMs: number },
): NoticeRecord {
  if (end.wanted === 0) return { ...record, state: 'unaddressed' };
  if (end.refused === undefined) return { ...record, state: 'sent', lastError: null };
  const lastError = end.refused.detail;
  const wait = BACK_OFF_MINUTES[record.attempts - 1];
  if (wait === undefined || end.refused.isFinal) return { ...record, state: 'failed', lastError };
  return { ...record, lastError, nextAttemptMs: end.nowMs + wait * MINUTE_MS };
}
