import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { CliError } from './cliError.ts';

/** What fits into one request, with its form around it; larger files go past the API. */
const REQUEST_BYTES = 4_000_000;
const POLL_MS = 1_000;
const MAX_POLLS = 900;
const TIMEOUT_MS = 60_000;
/** A large file over a slow line. */
const UPLOAD_TIMEOUT_MS = 3_600_000;

const FileObject = z.looseObject({
  id: z.string(),
  status: z.enum(['uploaded', 'processed', 'error']),
  status_details: z.nullable(z.string()),
});
const Upload = z.object({ file_id: z.string(), url: z.string(), fields: z.record(z.string(), z.string()) });
const ErrorBody = z.object({ error: z.object({ message: z.string() }) });

export type Push = {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly path: string;
  readonly bytes: number;
  readonly purpose: string;
  readonly progress: (text: string) => void;
};

/** Uploads a file, whatever its size, and waits until it is checked. A refusal is thrown as a CliError. */
export async function pushFile(push: Push): Promise<z.infer<typeof FileObject>> {
  push.progress(`uploading ${push.bytes} bytes`);
  let file = push.bytes <= REQUEST_BYTES ? await sendWhole(push) : await sendPast(push);
  for (let poll = 0; file.status === 'uploaded'; poll++) {
    if (poll === 0) push.progress(`${file.id} is being checked`);
    if (poll === MAX_POLLS) throw new CliError('unreachable', `${file.id} is still not checked`);
    await sleep(POLL_MS);
    file = z.parse(FileObject, await call(push, 'GET', `/files/${file.id}`));
  }
  return file;
}

async function sendWhole(push: Push) {
  const body = await formOf({ purpose: push.purpose }, push.path);
  return z.parse(FileObject, await call(push, 'POST', '/files', { body }));
}

async function sendPast(push: Push) {
  const asked = { filename: basename(push.path), purpose: push.purpose, bytes: push.bytes };
  const upload = z.parse(
    Upload,
    await call(push, 'POST', '/files/uploads', {
      body: JSON.stringify(asked),
      headers: { 'content-type': 'application/json' },
    }),
  );
  // Without the key: the form carries its own permission.
  const body = await formOf(upload.fields, push.path);
  const posted = await send(upload.url, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(UPLOAD_TIMEOUT_MS),
  });
  if (!posted.ok) throw new CliError('refused', await storageRefusal(posted));
  return z.parse(FileObject, await call(push, 'POST', `/files/${upload.file_id}/complete`));
}

/** S3 answers in XML, with a text that says why. */
async function storageRefusal(answer: Response): Promise<string> {
  const [, why] = /<Message>([^<]{1,500})<\/Message>/.exec(await answer.text().catch(() => '')) ?? [];
  return `the storage refused the file with status ${answer.status}${why === undefined ? '' : `: ${why}`}`;
}

/** The file is read while it is sent. */
async function formOf(fields: Readonly<Record<string, string>>, path: string): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('file', await openAsBlob(path), basename(path));
  return form;
}

async function call(
  { baseUrl, apiKey }: Push,
  method: string,
  path: string,
  { headers, ...init }: Pick<RequestInit, 'body'> & { readonly headers?: Record<string, string> } = {},
): Promise<unknown> {
  const response = await send(`${baseUrl}${path}`, {
    ...init,
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const json: unknown = await response.json().catch(() => undefined);
  if (response.ok) return json;
  const refusal = ErrorBody.safeParse(json);
  const why = refusal.success
    ? refusal.data.error.message
    : `the API answered with status ${response.status}`;
  throw new CliError('refused', why);
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('unreachable', `${new URL(url).origin} does not answer: ${why}`);
  }
}
