import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { FileObjects } from '#core/files/ports.ts';
import { inTurns } from './inTurns.ts';

/** Files' bytes in a bucket. */
export function makeFileObjects(s3: S3Client, Bucket: string): FileObjects {
  return {
    put: async (Key, Body, ContentType) => {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));
    },
    size: async (Key) =>
      (await unlessMissing(s3.send(new HeadObjectCommand({ Bucket, Key }))))?.ContentLength,
    read: async (Key) => {
      const object = await unlessMissing(s3.send(new GetObjectCommand({ Bucket, Key })));
      if (object?.Body === undefined) return undefined;
      // In Node the SDK's body is a Readable, which its type for browsers hides.
      return inTurns(object.Body as unknown as AsyncIterable<Uint8Array>);
    },
    remove: async (Key) => {
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    move: async (from, to) => {
      await s3.send(new CopyObjectCommand({ Bucket, Key: to, CopySource: `${Bucket}/${from}` }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key: from }));
    },
    presignForm: (Key, maxBytes, Expires) =>
      createPresignedPost(s3, { Bucket, Key, Expires, Conditions: [['content-length-range', 1, maxBytes]] }),
    presignDownload: (Key, filename, expiresIn) =>
      getSignedUrl(
        s3,
        new GetObjectCommand({
          Bucket,
          Key,
          ResponseContentType: 'application/octet-stream',
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        }),
        { expiresIn },
      ),
  };
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}
