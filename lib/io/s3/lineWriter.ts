import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { LineWriter } from '#core/training/ports.ts';

/** An object beyond one part goes up in parts; with one waiting while one is sent, that bounds the memory. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;
/** Lines are handed on in pieces of this size: a stream's chunk for each would be most of the work. */
const PIECE_CHARACTERS = 64 * 1024;

/** Opens objects of a bucket to be written line by line. */
export const makeLineWriters =
  (s3: S3Client, bucket: string) =>
  (key: string): LineWriter => {
    const body = new PassThrough();
    const upload = new Upload({
      client: s3,
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      params: { Bucket: bucket, Key: key, Body: body, ContentType: 'application/jsonl' },
    });
    const done = upload.done();
    done.catch((error: unknown) => body.destroy(error instanceof Error ? error : undefined));
    let piece = '';
    const hand = async (): Promise<void> => {
      const text = piece;
      piece = '';
      if (!body.write(text)) await Promise.race([once(body, 'drain'), done]);
    };
    return {
      write: async (line) => {
        piece += `${line}\n`;
        if (piece.length >= PIECE_CHARACTERS) await hand();
      },
      close: async () => {
        body.end(piece);
        await done;
      },
      abort: async () => {
        await upload.abort();
        body.destroy();
        await done.catch(() => undefined);
      },
    };
  };
