import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { create as createTar } from 'tar';
import { ADAPTER_FILES, ARCHIVE_LIMITS } from '#core/adapters/archiveRules.ts';
import type { AdapterArchives } from '#core/adapters/ports.ts';
import { err, ok } from '#core/shared/result.ts';
import { linesOf } from './linesOf.ts';
import { scanArchive } from './scanArchive.ts';
import { writeExport } from './writeExport.ts';

/** Of a dataset's folder or of checkpoints: their objects are few and large. */
const MAX_OBJECTS = 100;
/** Times and owners say nothing of an adapter: without them the same files make the same archive. */
const REPRODUCIBLE = { gzip: { level: 6, portable: true }, portable: true, noMtime: true } as const;

/** Adapters' archives in a bucket; what is unpacked lies in a temporary folder and is gone afterwards. */
export function makeAdapterArchives(s3: S3Client, Bucket: string): AdapterArchives {
  const read = async (Key: string): Promise<Readable | undefined> => {
    const object = await unlessMissing(s3.send(new GetObjectCommand({ Bucket, Key })));
    // In Node the SDK's body is a Readable, which its type for browsers hides.
    return object?.Body as unknown as Readable | undefined;
  };
  const list = async (Prefix: string): Promise<readonly string[]> => {
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: MAX_OBJECTS }),
    );
    return Contents.flatMap(({ Key }) => (Key === undefined || Key.endsWith('/') ? [] : [Key]));
  };
  const upload = async (Key: string, Body: Readable): Promise<void> => {
    await new Upload({ client: s3, params: { Bucket, Key, Body, ContentType: 'application/gzip' } }).done();
  };

  return {
    scan: (key, base, use) =>
      inTemporaryFolder(async (folder) => {
        const body = await read(key);
        if (body === undefined) return undefined;
        const archive = join(folder, 'archive.tar.gz');
        if (!(await download(body, archive))) {
          const message = `An adapter's archive has at most ${ARCHIVE_LIMITS.archiveBytes} bytes.`;
          return err({ code: 'archive_too_large', message });
        }
        const unpacked = join(folder, 'adapter');
        const scanned = await scanArchive(archive, unpacked, base);
        if (!scanned.ok) return scanned;
        const store = async (to: string): Promise<void> => {
          const packed = join(folder, 'packed.tar.gz');
          await createTar({ ...REPRODUCIBLE, file: packed, cwd: unpacked }, [
            ADAPTER_FILES.config,
            ADAPTER_FILES.weights,
          ]);
          await upload(to, createReadStream(packed));
        };
        return ok(await use({ ...scanned.value, store }));
      }),
    remove: async (Key) => {
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    list,
    presignForm: (Key, maxBytes, Expires) =>
      createPresignedPost(s3, { Bucket, Key, Expires, Conditions: [['content-length-range', 1, maxBytes]] }),
    presignDownload: (Key, filename, expiresIn) =>
      getSignedUrl(
        s3,
        new GetObjectCommand({
          Bucket,
          Key,
          ResponseContentType: 'application/gzip',
          ResponseContentDisposition: `attachment; filename="${filename}"`,
        }),
        { expiresIn },
      ),
    firstLines: async (prefix, count) => {
      const lines: string[] = [];
      for (const key of await list(prefix)) {
        const body = await read(key);
        if (body === undefined) continue;
        for await (const line of linesOf(body)) {
          lines.push(line);
          if (lines.length === count) return lines;
        }
      }
      return lines;
    },
    writeExport: (exported) =>
      inTemporaryFolder((folder) => writeExport({ read, list, upload }, exported, folder)),
  };
}

async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'adapter-'));
  mkdirSync(join(folder, 'adapter'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** False when there is more than an archive may have. */
async function download(body: Readable, path: string): Promise<boolean> {
  let bytes = 0;
  const tooLarge = new Error('too large');
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > ARCHIVE_LIMITS.archiveBytes) throw tooLarge;
      yield chunk;
    }
  };
  try {
    await pipeline(body, counted, createWriteStream(path));
    return true;
  } catch (error) {
    if (error === tooLarge) return false;
    throw error;
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}
