import { formatCredits } from '#core/shared/money.ts';
import type { NoticeContent, NoticeKind, NoticeText } from './types.ts';

type Contents = { readonly [C in NoticeContent as C['kind']]: C };
type Templates = { readonly [K in NoticeKind]: (content: Contents[K], name: string) => NoticeText };

/** The words of every notice, once. `name` is the tenant's. */
const TEMPLATES: Templates = {
  refill_failed: ({ pack, nextTryAtMs }, name) => ({
    subject: `The automatic refill of ${name} failed`,
    text: `The payment for ${pack} did not go through. Nothing was charged. We try again ${moment(nextTryAtMs)}. Until then calls go on as long as there are credits; you can buy some by hand, or renew the payment method.`,
  }),
  refill_stopped: ({ pack, failures }, name) => ({
    subject: `The automatic refill of ${name} is switched off`,
    text: `The payment for ${pack} failed ${failures} times in a row, so we have stopped trying. Nothing was charged for these. Renew the payment method and switch the refill on again.`,
  }),
  refill_returned: ({ pack }, name) => ({
    subject: `The automatic refill of ${name} is switched off`,
    text: `The payment for ${pack}, bought by the refill, was returned or is disputed. So nothing more is charged by itself. Switch the refill on again if it shall go on, or buy credits by hand.`,
  }),
  refill_limit_reached: ({ pack, month, limit }, name) => ({
    subject: `The automatic refill of ${name} has reached its limit`,
    text: `${limit} × ${pack} were bought in ${month}, which is the limit that you set. Credits are no longer refilled this month; raise the limit or buy some by hand.`,
  }),
  payment_overdue: ({ suspendsAtMs }, name) => ({
    subject: `A payment of ${name} is overdue`,
    text: `The last payment of the subscription did not go through. Calls go on until ${moment(suspendsAtMs)}. Renew the payment method before then.`,
  }),
  account_suspended: ({ because }, name) => ({
    subject: `${name} is suspended`,
    text: `Calls are refused because ${because === 'payment_overdue' ? 'a payment of the subscription is overdue' : 'the subscription has ended'}. Credits are kept. Pay what is open and calls are answered again by themselves.`,
  }),
  account_restored: (_content, name) => ({
    subject: `${name} is back`,
    text: 'Nothing is overdue any more: calls are answered again.',
  }),
  unusual_use: ({ finding, keyId, seen, usual, slowedUntilMs }, name) => ({
    subject: `Unusual use of an API key of ${name}`,
    text: `${UNUSUAL[finding](seen, usual)} The key is ${keyId}. ${
      slowedUntilMs === null ? 'It works as before.' : `It is slowed until ${moment(slowedUntilMs)}.`
    } If this was not meant, rotate or revoke the key; a limit keeps it from happening again.`,
  }),
  adapters_out: (content) => ({
    subject: `${content.adapters === 1 ? 'An adapter is' : `${content.adapters} adapters are`} out of service`,
    text: `Their calls are refused with 503 and cost nothing; canaries and shadows of them were ended. They are being loaded again by themselves. ${naming(content)} "tunegate adapters list" shows how they stand; "tunegate rollout rollback" leads a model back to the version before within seconds.`,
  }),
  adapters_given_up: (content) => ({
    subject: `${content.adapters === 1 ? 'An adapter stays' : `${content.adapters} adapters stay`} out of service`,
    text: `They were loaded again several times and did not come to serve; nothing more is tried by itself. ${naming(content)} "tunegate adapters deploy" tries again; "tunegate rollout rollback" leads a model back to the version before.`,
  }),
  credits_low: ({ availableMicro }, name) => ({
    subject: `${name} runs out of credits`,
    text: `${formatCredits(availableMicro)} credits are left. At zero, calls are refused.`,
  }),
};

const naming = ({ adapters, named }: Contents['adapters_out']): string =>
  `${named.map(({ id, tenantId, why }) => `${id} of ${tenantId} (${why})`).join('; ')}${
    adapters > named.length ? `; and ${adapters - named.length} more` : ''
  }.`;

const UNUSUAL = {
  jump: (seen: number, usual: number) =>
    `${seen} calls were made today; the busiest day of the two weeks before had ${usual}.`,
  scraping: (seen: number) =>
    `${seen} calls came in one hour, as even as a clock, with prompts of one length.`,
  many_networks: (seen: number, usual: number) =>
    `Calls came from ${seen} networks in one hour; at most ${usual} in the hours before.`,
} as const;

/** Writes a notice in words. `name` is whom it is about. */
export const renderNotice = <K extends NoticeKind>(kind: K, content: Contents[K], name: string): NoticeText =>
  TEMPLATES[kind](content, name);

/** `2026-11-22 14:05 UTC`. */
const moment = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
