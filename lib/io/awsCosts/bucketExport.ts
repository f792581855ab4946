import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { type AwsExport, type ExportFile, UnreadableExport } from './exportFiles.ts';

/** An export of years has some hundred objects a month at most. */
const MAX_PAGES = 100;

/** An export as AWS delivers it to a bucket, under a prefix. */
export function makeBucketExport(
  s3: S3Client,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): AwsExport {
  const get = async (name: string, range?: string) => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: name, ...(range && { Range: range }) });
    const { Body } = await explained(bucket, () => s3.send(command));
    if (Body === undefined) throw new UnreadableExport(`${name} in ${bucket} is empty`);
    return Body;
  };
  const fileOf = (name: string, sizeBytes: number, changedAtMs: number): ExportFile => ({
    name,
    sizeBytes,
    changedAtMs,
    stream: async () => {
      const body = await get(name);
      if (!(body instanceof Readable)) throw new Error('S3 answered without a stream');
      return body;
    },
    slice: async (start, end) => {
      const bytes = await (await get(name, `bytes=${start}-${end - 1}`)).transformToByteArray();
      return new Uint8Array(bytes).buffer;
    },
  });
  return () =>
    explained(bucket, async () => {
      const files: ExportFile[] = [];
      let pages = 0;
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix })) {
        for (const { Key, Size = 0, LastModified } of page.Contents ?? []) {
          if (Key !== undefined) files.push(fileOf(Key, Size, LastModified?.getTime() ?? 0));
        }
        pages += 1;
        if (pages === MAX_PAGES)
          throw new UnreadableExport(`${bucket}/${prefix} holds too many objects for an export`);
      }
      return files;
    });
}

/** What S3 refuses is a matter of the export's place and its permissions, and said in words. */
async function explained<T>(bucket: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof S3ServiceException)
      throw new UnreadableExport(`the bucket ${bucket} cannot be read: ${error.name}`);
    throw error;
  }
}
