import { type SESv2Client, SESv2ServiceException, SendEmailCommand } from '@aws-sdk/client-sesv2';
import type { NoticeChannel } from '#core/notices/ports.ts';
import { err, ok } from '#core/shared/result.ts';

const MAX_DETAIL = 200;
/** Refusals of this very message: another attempt would be refused too. */
const FINAL = new Set(['MessageRejected', 'BadRequestException']);

/** Notices by Amazon SES. Nothing is retried inside: a repeat is the outbox's decision. */
export function makeEmailChannel(ses: SESv2Client, from: string): NoticeChannel {
  return async ({ notice, subject, text, address }) => {
    try {
      await ses.send(
        new SendEmailCommand({
          FromEmailAddress: from,
          Destination: { ToAddresses: [address] },
          Content: {
            Simple: {
              Subject: { Data: oneLine(subject), Charset: 'UTF-8' },
              Body: { Text: { Data: text, Charset: 'UTF-8' } },
              Headers: [{ Name: 'X-Tunegate-Notice', Value: notice.id }],
            },
          },
        }),
      );
      return ok(null);
    } catch (error) {
      const isFinal = error instanceof SESv2ServiceException && FINAL.has(error.name);
      const detail = String(error instanceof Error ? `${error.name}: ${error.message}` : error);
      return err({ code: 'notice_not_taken', isFinal, detail: detail.slice(0, MAX_DETAIL) });
    }
  };
}

/** A tenant's name stands in the subject: a line break in it would begin another header. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');
