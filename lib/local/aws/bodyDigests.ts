import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Refusal } from './s3Refusal.ts';

const DIGESTS: Readonly<Record<string, (body: Buffer) => string>> = {
  'content-md5': (body) => createHash('md5').update(body).digest('base64'),
  'x-amz-checksum-sha1': (body) => createHash('sha1').update(body).digest('base64'),
  'x-amz-checksum-sha256': (body) => createHash('sha256').update(body).digest('base64'),
  'x-amz-checksum-crc32': (body) => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return sum.toString('base64');
  },
};

/** Refuses a body whose checksum header says that it is another one. A body in chunks carries its checksum inside. */
export function checkBodyDigests(headers: IncomingHttpHeaders, body: Buffer): void {
  if (String(headers['content-encoding'] ?? '').includes('aws-chunked')) return;
  for (const [name, digest] of Object.entries(DIGESTS)) {
    const wanted = headers[name];
    if (typeof wanted === 'string' && wanted !== digest(body)) {
      throw new S3Refusal('BadDigest', `The body does not match the checksum in ${name}.`);
    }
  }
}
