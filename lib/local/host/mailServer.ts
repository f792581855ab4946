import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import * as z from 'zod/mini';
import { readLimited } from '#local/shared/readLimited.ts';

const MAX_BODY_BYTES = 1024 * 1024;

const text = z.object({ Data: z.string() });
/** What the product sends of the API's `SendEmail`. Source: Amazon SES API v2. */
const SendEmail = z.object({
  FromEmailAddress: z.string(),
  Destination: z.object({ ToAddresses: z.array(z.string()) }),
  Content: z.object({
    Simple: z.object({
      Subject: text,
      Body: z.object({ Text: text }),
      Headers: z.optional(z.array(z.object({ Name: z.string(), Value: z.string() }))),
    }),
  }),
});

/** Amazon SES on one machine: an e-mail is a line of JSON in a file, for whoever looks. */
export function makeMailServer(file: string): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    // Signed requests alone: a page that is open in the browser cannot make one without being asked for leave.
    const isSigned = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true;
    if (!isSigned) return answer(403, { message: 'the request is not signed' });
    if (request.method !== 'POST' || request.url !== '/v2/email/outbound-emails')
      return answer(404, { message: 'this mail server only sends' });
    readBody(request)
      .then((body) => {
        const email = SendEmail.safeParse(body);
        if (!email.success) return answer(400, { message: 'not an e-mail that can be sent' });
        const { FromEmailAddress, Destination, Content } = email.data;
        const id = randomUUID();
        const line = {
          id,
          time: new Date().toISOString(),
          from: FromEmailAddress,
          to: Destination.ToAddresses,
          subject: Content.Simple.Subject.Data,
          text: Content.Simple.Body.Text.Data,
          headers: Object.fromEntries((Content.Simple.Headers ?? []).map(({ Name, Value }) => [Name, Value])),
        };
        appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
        return answer(200, { MessageId: id });
      })
      .catch((error: unknown) => answer(500, { message: String(error) }));
  });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const body = await readLimited(request, MAX_BODY_BYTES);
  try {
    return JSON.parse(body?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
}
