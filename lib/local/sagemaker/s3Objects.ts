import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** S3's own limit of keys in one answer. */
const PAGE = 1_000;

/** Where an object or a prefix is: `s3://bucket/key`. */
export type S3Place = { readonly bucket: string; readonly key: string };

/** Reads `s3://bucket/key`; undefined when the text is no such address. */
export function parseS3Uri(uri: string): S3Place | undefined {
  const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.+)$/u.exec(uri) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key };
}

/** The S3 of this machine. Throws where no address is given: the SDK would ask AWS. */
export function makeLocalS3(): S3Client {
  if (process.env['AWS_ENDPOINT_URL_S3'] === undefined) {
    throw new Error('s3:// is not known here: start this server with AWS_ENDPOINT_URL_S3');
  }
  return new S3Client({ forcePathStyle: true });
}

/** Downloads one object into a file. Throws when it is missing or has more than `maxBytes`. */
export async function downloadObject(
  s3: S3Client,
  { bucket, key }: S3Place,
  target: { readonly path: string; readonly maxBytes: number },
): Promise<void> {
  const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!(object.Body instanceof Readable)) throw new Error(`s3://${bucket}/${key} has no content`);
  let size = 0;
  const bounded = object.Body.map((chunk: Uint8Array) => {
    size += chunk.length;
    if (size > target.maxBytes)
      throw new Error(`s3://${bucket}/${key} is larger than ${target.maxBytes} bytes`);
    return chunk;
  });
  mkdirSync(dirname(target.path), { recursive: true });
  await pipeline(bounded, createWriteStream(target.path));
}

/** The objects whose keys begin with `key`, in their order: at most `max` and one more, which tells that there are more. */
export async function listObjects(
  s3: S3Client,
  { bucket, key }: S3Place,
  max: number,
): Promise<readonly { readonly key: string; readonly size: number }[]> {
  const found: { key: string; size: number }[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken, MaxKeys: PAGE }),
    );
    for (const { Key, Size } of page.Contents ?? []) found.push({ key: Key ?? '', size: Size ?? 0 });
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined && found.length <= max);
  return found.slice(0, max + 1);
}

export async function uploadObject(s3: S3Client, { bucket, key }: S3Place, Body: Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
}

export async function deleteObject(s3: S3Client, { bucket, key }: S3Place): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}
