import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { BUCKETS, TRAINING_CODE_PREFIX } from '#io/definitions/resources.ts';
import { resourceName } from '#local/services/names.ts';

const CONTAINERS = fileURLToPath(new URL('../../../containers/', import.meta.url));
const CODE = /\.py$/u;
const Bucket = resourceName(BUCKETS.tenantData.name);

/** Puts base models and the trainer's program where training jobs read them, as docs/deploy.md does it on AWS. */
export async function uploadTrainingFiles(s3: S3Client): Promise<void> {
  const bases = join(CONTAINERS, 'bases');
  for (const base of readdirSync(bases)) await upload(s3, join(bases, base), `bases/${base}/`, () => true);
  await upload(s3, join(CONTAINERS, 'training'), TRAINING_CODE_PREFIX, (name) => CODE.test(name));
}

/** Uploads what is not there yet, or differs. */
async function upload(
  s3: S3Client,
  directory: string,
  Prefix: string,
  isWanted: (name: string) => boolean,
): Promise<void> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  const tags = new Map(Contents.map(({ Key, ETag }) => [Key, ETag]));
  const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && isWanted(entry.name) && !entry.parentPath.includes('tests'),
  );
  for (const { name, parentPath } of files) {
    const path = join(parentPath, name);
    const Body = readFileSync(path);
    const Key = `${Prefix}${path.slice(directory.length + 1)}`;
    const tag = `"${createHash('md5').update(Body).digest('hex')}"`; // S3's own for an object of one part
    if (tags.get(Key) !== tag) await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  }
}
