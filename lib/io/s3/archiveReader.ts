import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { archiveKey } from '#core/metering/archiveLine.ts';
import type { ArchiveReader } from '#core/reconciliation/ports.ts';
import type { ArchivedCall } from '#core/reconciliation/types.ts';

const Line = z.object({ eventId: z.string(), costMicro: z.int() });

/** Reads the usage archive back, line by line. A line that cannot be read throws: the archive is ours alone. */
export function makeArchiveReader(s3: S3Client, bucket: string): ArchiveReader {
  return {
    callsOf: async (tenantId, hour) => {
      try {
        const { Body } = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: archiveKey(tenantId, hour) }),
        );
        if (!(Body instanceof Readable)) throw new Error('the archive answered without a stream');
        const calls: ArchivedCall[] = [];
        for await (const line of createInterface({ input: Body.pipe(createGunzip()) })) {
          calls.push(z.parse(Line, JSON.parse(line)));
        }
        return calls;
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
