import type { DeployDesk } from '#core/adapters/ports.ts';
import { receiveMessage } from '#core/adapters/receiveMessage.ts';
import { DEFAULT_BASE_MODEL } from '#core/inference/baseModels.ts';
import type { JobDesk } from '#core/training/ports.ts';
import { makeAdapterArchives } from '#io/adapters/adapterArchives.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { BUCKETS, ENDPOINT, QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { countAs, makeObservability } from '#io/observability.ts';
import { makeAdapterEndpoint } from '#io/sagemaker/adapterEndpoint.ts';
import { makeAdapterQueue } from '#io/sqs/adapterQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeS3, makeSageMaker, makeSageMakerRuntime, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Ending a job takes no slot and starts no other: training gave its slot back already. */
const NO_SLOTS = { perTenant: 0, overall: 0 };
const OUT_OF_REACH: JobDesk['queue'] = {
  send: () => Promise.reject(new Error('this function may not send to the training queue')),
};

/** Puts together what looks after adapters. */
export function wireDeployAdapter(env: Environment) {
  const { logger, metrics } = makeObservability(METRICS.adapterFailures.service);
  const dynamoDb = makeDynamoDb();
  const directoryTable = requireVariable(env, TABLES.directory.env);
  const bucket = requireVariable(env, BUCKETS.tenantData.env);
  const sqs = makeSqs();
  const jobs: JobDesk = {
    world: systemWorld,
    jobs: makeJobStore(dynamoDb, requireVariable(env, TABLES.training.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    slots: NO_SLOTS,
    queue: OUT_OF_REACH,
    countFailure: () => countAs(METRICS.trainingFailed),
  };
  const desk: DeployDesk = {
    world: systemWorld,
    adapters: makeAdapterStore(dynamoDb, directoryTable),
    archives: makeAdapterArchives(makeS3(), bucket),
    queue: makeAdapterQueue(sqs, requireVariable(env, QUEUES.adapters.env)),
    directory: makeDirectory(dynamoDb, directoryTable),
    sha256: nodeCrypto.sha256Hex,
    endpoint: makeAdapterEndpoint({
      control: makeSageMaker(),
      runtime: makeSageMakerRuntime(),
      endpointName: requireVariable(env, ENDPOINT.env),
      baseComponent: requireVariable(env, ENDPOINT.baseEnv),
      baseModel: DEFAULT_BASE_MODEL,
      bucket,
    }),
    jobs,
    rollouts: makeRolloutStore(dynamoDb, directoryTable),
    log: (message, details) => logger.warn(message, details),
    countFailure: () => metrics.addMetric(METRICS.adapterFailures.name, 'Count', 1),
  };
  return { logger, metrics, receive: (body: string) => receiveMessage(desk, body) };
}
