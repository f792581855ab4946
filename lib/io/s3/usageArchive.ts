import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { UsageArchive } from '#core/metering/ports.ts';

/** An object beyond one part goes up in parts; with one waiting while one is sent, that bounds the memory. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** How S3 says that an object is not the version any more that the condition names. */
const CHANGED_MEANWHILE = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

/** Keeps the usage archive as gzipped JSON lines in a bucket. An object's version is its ETag. */
export function makeUsageArchive(s3: S3Client, bucket: string): UsageArchive {
  return {
    version: async (key) => {
      try {
        const { ETag } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return ETag ?? null;
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
        throw error;
      }
    },
    replace: async (key, lines, version) => {
      // Node's gzip writes no time into its header: the same lines make the same bytes.
      const gzip = createGzip();
      const fed = pipeline(Readable.from(lines), gzip);
      const upload = new Upload({
        client: s3,
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
        params: {
          Bucket: bucket,
          Key: key,
          Body: gzip,
          ContentType: 'application/gzip',
          ...(version === null ? { IfNoneMatch: '*' } : { IfMatch: version }),
        },
      });
      try {
        // A failure to read the lines ends the stream and with it the upload, whose parts are then removed.
        await Promise.all([upload.done(), fed]);
        return 'replaced';
      } catch (error) {
        if (error instanceof Error && CHANGED_MEANWHILE.has(error.name)) return 'changed_meanwhile';
        throw error;
      }
    },
  };
}
