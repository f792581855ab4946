import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { create as createArchive } from 'tar';
import { ADAPTER_FILES, MAX_ARCHIVE_BYTES } from '#local/sagemaker/artifacts.ts';
import {
  deleteObject,
  downloadObject,
  listObjects,
  makeLocalS3,
  type S3Place,
  uploadObject,
} from '#local/sagemaker/s3Objects.ts';
import type { CreateTrainingJobInput } from './createInput.ts';

const MAX_OBJECTS = 1_000;
const MAX_INPUT_BYTES = 1024 ** 3;
/** What is being written; it is renamed when it is whole. */
const PARTIAL = /\.partial$/u;

/** What the client's data or prefixes are to blame for: `FailureReason` begins with ClientError. */
export class InputProblem extends Error {
  override readonly name = 'InputProblem';
}

/** Reads an `s3://bucket/prefix` of a request; both parts may be empty only in a request that was refused. */
function placeOf(uri: string): S3Place {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/?(.*)$/u.exec(uri) ?? [];
  return { bucket, key };
}

/** Puts channels, hyper-parameters and a checkpoint of an earlier instance where the container looks for them. */
export async function prepareFolder(
  s3: S3Client,
  root: string,
  request: CreateTrainingJobInput,
): Promise<void> {
  const config = join(root, 'input/config/hyperparameters.json');
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, JSON.stringify(request.HyperParameters ?? {}));
  for (const { ChannelName, DataSource } of request.InputDataConfig ?? []) {
    const { S3Uri } = DataSource.S3DataSource;
    const count = await downloadPrefix(s3, S3Uri, join(root, 'input/data', ChannelName));
    if (count === 0) throw new InputProblem(noObjects(S3Uri, request.RoleArn));
  }
  const checkpoints = join(root, 'checkpoints');
  // One that is here is newer than its copy: this server was ended while the job ran.
  if (request.CheckpointConfig === undefined || existsSync(checkpoints)) return;
  const partial = `${checkpoints}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  await downloadPrefix(s3, asFolder(request.CheckpointConfig.S3Uri), partial);
  renameSync(partial, checkpoints);
}

/** What is wrong with a new job's channels: the first of them that is empty. */
export async function missingInput(request: CreateTrainingJobInput): Promise<string | undefined> {
  const s3 = makeLocalS3();
  try {
    for (const { DataSource } of request.InputDataConfig ?? []) {
      const { S3Uri } = DataSource.S3DataSource;
      if (!(await hasObjects(s3, S3Uri))) return noObjects(S3Uri, request.RoleArn);
    }
    return undefined;
  } finally {
    s3.destroy();
  }
}

async function hasObjects(s3: S3Client, uri: string): Promise<boolean> {
  try {
    return (await listObjects(s3, placeOf(uri), 1)).length > 0;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchBucket') return false;
    throw error;
  }
}

/** As SageMaker words it, when a job is created and when it begins. */
const noObjects = (uri: string, roleArn: string): string =>
  `No S3 objects found under S3 URL "${uri}" given in input data source. Please ensure that the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "${roleArn}" has "s3:ListBucket" permissions on bucket "${placeOf(uri).bucket}".`;

/** Downloads every object whose key begins as the address says, named from its last slash on. Answers how many. */
async function downloadPrefix(s3: S3Client, uri: string, target: string): Promise<number> {
  const { bucket, key: prefix } = placeOf(uri);
  const folderLength = prefix.lastIndexOf('/') + 1;
  const objects = await listObjects(s3, { bucket, key: prefix }, MAX_OBJECTS);
  if (objects.length > MAX_OBJECTS) throw new InputProblem(`${uri} has more than ${MAX_OBJECTS} objects`);
  let left = MAX_INPUT_BYTES;
  let count = 0;
  for (const { key, size } of objects) {
    const path = resolve(target, `./${key.slice(folderLength)}`);
    if (key.endsWith('/')) continue;
    if (!path.startsWith(`${resolve(target)}${sep}`)) throw new InputProblem(`${uri} has a key with ".."`);
    if (size > left) throw new InputProblem(`${uri} has more than ${MAX_INPUT_BYTES} bytes`);
    left -= size;
    await downloadObject(s3, { bucket, key }, { path, maxBytes: size });
    count += 1;
  }
  return count;
}

/** Copies what changes in a job's checkpoints to S3, and removes there what it had put and was removed here. */
export function makeCheckpointCopy(s3: S3Client, root: string, uri: string): () => Promise<void> {
  const directory = join(root, 'checkpoints');
  const { bucket, key: prefix } = placeOf(asFolder(uri));
  const copied = new Map<string, string>();
  return async () => {
    const present = new Map(existsSync(directory) ? filesIn(directory) : []);
    for (const [name, version] of present) {
      if (copied.get(name) === version) continue;
      const bytes = readIfThere(join(directory, name));
      if (bytes === undefined) continue;
      await uploadObject(s3, { bucket, key: `${prefix}${name}` }, bytes);
      copied.set(name, version);
    }
    for (const name of [...copied.keys()].filter((known) => !present.has(known))) {
      await deleteObject(s3, { bucket, key: `${prefix}${name}` });
      copied.delete(name);
    }
  };
}

/** Archives what the container left in its model folder, flat, and answers where it is; undefined: it left nothing. */
export async function uploadModel(
  s3: S3Client,
  root: string,
  request: CreateTrainingJobInput,
): Promise<string | undefined> {
  const model = join(root, 'model');
  const names = ADAPTER_FILES.filter((name) => existsSync(join(model, name)));
  if (names.length === 0) return undefined;
  const file = join(root, 'model.tar.gz');
  // The same files give the same archive: no times, no owners.
  await createArchive({ gzip: true, portable: true, mtime: new Date(0), cwd: model, file }, names);
  const { size } = statSync(file);
  if (size > MAX_ARCHIVE_BYTES) throw new InputProblem(`the model's archive has ${size} bytes`);
  const uri = `${asFolder(request.OutputDataConfig.S3OutputPath)}${request.TrainingJobName}/output/model.tar.gz`;
  await uploadObject(s3, placeOf(uri), readFileSync(file));
  return uri;
}

const asFolder = (uri: string): string => (uri.endsWith('/') ? uri : `${uri}/`);

/** Plain files with what tells one version from another. */
const filesIn = (directory: string): [string, string][] =>
  readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !PARTIAL.test(entry.name))
    .flatMap(({ name }) => {
      const stats = statSync(join(directory, name), { throwIfNoEntry: false });
      return stats === undefined ? [] : [[name, `${stats.size}:${stats.mtimeMs}`]];
    });

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // an older checkpoint, forgotten meanwhile
  }
}
