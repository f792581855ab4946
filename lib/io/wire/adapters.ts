import type { AdapterDesk } from '#core/adapters/ports.ts';
import { makeAdapterArchives } from '#io/adapters/adapterArchives.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { BUCKETS, QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeObservability } from '#io/observability.ts';
import { makeAdapterQueue } from '#io/sqs/adapterQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeS3, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the adapters routes work with. */
export function wireAdapters(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const table = requireVariable(env, TABLES.directory.env);
  const deps: AdapterDesk = {
    world: systemWorld,
    adapters: makeAdapterStore(dynamoDb, table),
    archives: makeAdapterArchives(makeS3(), requireVariable(env, BUCKETS.tenantData.env)),
    queue: makeAdapterQueue(makeSqs(), requireVariable(env, QUEUES.adapters.env)),
    directory: makeDirectory(dynamoDb, table),
    sha256: nodeCrypto.sha256Hex,
  };
  return { deps, log: makeObservability('adapters') };
}
