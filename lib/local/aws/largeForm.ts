import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import type { Forward } from './forward.ts';
import { S3Refusal } from './s3Refusal.ts';

/** The store behind takes so much at once; S3 wants no part but the last below 5 MB. */
const PART_BYTES = 8 * 1024 * 1024;
/** The store behind puts an object together in memory. */
const MAX_FILE_BYTES = 1024 ** 3;
const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 64 * 1024;

export type FormFields = { readonly fields: Readonly<Record<string, string>>; readonly fileName: string };
/** Where a form's file goes, and how large it may be. */
export type FormTarget = {
  readonly bucket: string;
  readonly key: string;
  readonly checkSize: (bytes: number) => void;
};

/**
 * Takes a form whose file is larger than a request to the store behind may be: its fields are checked before the file
 * is read, and the file goes on in parts as it comes, so that no more than one of them is held. Throws S3Refusal, and
 * then nothing is stored.
 */
export async function takeLargeForm(
  request: IncomingMessage,
  forward: Forward,
  target: (form: FormFields) => FormTarget,
): Promise<void> {
  const { fields, fileName, file } = await readFields(request);
  try {
    const { bucket, key, checkSize } = target({ fields, fileName });
    const path = `/${[bucket, ...key.split('/')].map(encodeURIComponent).join('/')}`;
    await sendParts(forward, path, fields['content-type'] ?? 'binary/octet-stream', file, checkSize);
  } finally {
    request.unpipe();
    request.resume(); // a client that is still sending does not read the answer
  }
}

/** Everything that comes before the file; whatever comes after it is not read, as S3 does. */
function readFields(request: IncomingMessage): Promise<FormFields & { readonly file: Readable }> {
  const fields: Record<string, string> = {};
  return new Promise((resolve, reject) => {
    const malformed = () =>
      reject(new S3Refusal('MalformedPOSTRequest', 'The body is not well-formed multipart/form-data.'));
    const type = request.headers['content-type'] ?? '';
    const form = new Busboy({
      headers: { 'content-type': type },
      limits: { files: 1, fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES },
    });
    form.on('field', (name, value) => {
      fields[name.toLowerCase()] = value;
    });
    form.on('file', (_, file, fileName) => resolve({ fields, fileName, file }));
    form.on('error', malformed);
    form.on('finish', malformed); // of no effect once there was a file
    request.on('error', malformed).pipe(form);
  });
}

async function sendParts(
  { ask }: Forward,
  path: string,
  contentType: string,
  file: Readable,
  checkSize: (bytes: number) => void,
): Promise<void> {
  const begun = await ask('POST', `${path}?uploads`, { 'content-type': contentType });
  const id = /<UploadId>([^<]+)<\/UploadId>/.exec(begun.text)?.[1];
  if (id === undefined) throw new S3Refusal('InternalError', 'The storage behind did not begin the upload.');
  const upload = `uploadId=${encodeURIComponent(id)}`;
  try {
    const tags: string[] = [];
    let bytes = 0;
    for await (const part of partsOf(file)) {
      bytes += part.length;
      if (bytes > MAX_FILE_BYTES) throw new S3Refusal('EntityTooLarge', 'The file is above 1 GB.');
      const number = tags.length + 1;
      const sent = await ask('PUT', `${path}?partNumber=${number}&${upload}`, {}, part);
      tags.push(`<Part><PartNumber>${number}</PartNumber><ETag>${sent.etag}</ETag></Part>`);
    }
    checkSize(bytes);
    const whole = Buffer.from(`<CompleteMultipartUpload>${tags.join('')}</CompleteMultipartUpload>`);
    const done = await ask('POST', `${path}?${upload}`, { 'content-type': 'application/xml' }, whole);
    if (done.status !== 200)
      throw new S3Refusal('InternalError', 'The storage behind did not end the upload.');
  } catch (error) {
    await ask('DELETE', `${path}?${upload}`, {});
    throw error;
  }
}

async function* partsOf(file: Readable): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of file) {
    held.push(chunk);
    size += chunk.length;
    if (size < PART_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}
