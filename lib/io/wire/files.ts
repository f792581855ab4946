import type { CheckMessage, FileDesk, FileIntake } from '#core/files/ports.ts';
import { DEFAULT_BASE_MODEL } from '#core/inference/baseModels.ts';
import { makeDatasetTools } from '#io/datasets/tools.ts';
import { BUCKETS, QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeFileStore } from '#io/dynamodb/fileStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeFileObjects } from '#io/s3/fileObjects.ts';
import { makeMessageQueue } from '#io/sqs/messageQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeS3, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const TOKENIZERS_LAYER = '/opt/tokenizers';

/** What the files routes work with. */
export function wireFiles(env: Environment) {
  const deps: FileIntake = {
    ...makeFileDesk(env),
    checks: makeMessageQueue<CheckMessage>(makeSqs(), requireVariable(env, QUEUES.datasets.env)),
  };
  return { deps, log: makeObservability('files') };
}

/** Files, their bytes and what checks them. */
export function makeFileDesk(env: Environment): FileDesk {
  let tools: ReturnType<FileDesk['tools']> | undefined;
  return {
    world: systemWorld,
    files: makeFileStore(makeDynamoDb(), requireVariable(env, TABLES.directory.env)),
    objects: makeFileObjects(makeS3(), requireVariable(env, BUCKETS.tenantData.env)),
    tools: () => {
      tools ??= makeDatasetTools(env['TUNEGATE_TOKENIZERS_DIR'] ?? TOKENIZERS_LAYER, DEFAULT_BASE_MODEL);
      return tools;
    },
  };
}
