import { fileURLToPath } from 'node:url';
import { DEFAULT_BASE_MODEL } from '#core/inference/baseModels.ts';
import { METRIC_NAMESPACE } from '#io/definitions/metrics.ts';
import {
  BUCKETS,
  ENDPOINT,
  ENGINE_SECRETS,
  QUEUES,
  SECRETS,
  SETTINGS,
  TABLES,
} from '#io/definitions/resources.ts';
import { ACCOUNT, queueUrl, resourceName } from '#local/services/names.ts';
import { NATIVE_MEMORY } from '#local/services/nativeMemory.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const ACCESS_KEY_ID = 'local';
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/tunegate', import.meta.url));
const LAYERS = fileURLToPath(new URL('../../../layers/', import.meta.url));

export type Addresses = {
  readonly baseUrl: string;
  readonly dynamodb: string;
  readonly aws: string;
  readonly sagemaker: string;
  readonly dodo: string;
};

/**
 * What every process starts with: nothing of the user's own AWS, Dodo or Tunegate settings, which might lead to a
 * real account, and credentials that are good on this machine alone.
 */
export function baseEnvironment(inherited: Variables, awsSecretAccessKey: string): Variables {
  const foreign = Object.keys(inherited).filter((name) =>
    /^(AWS_|DODO_|TUNEGATE_|POWERTOOLS_|_X_AMZN_)/.test(name),
  );
  return {
    ...Object.fromEntries(foreign.map((name) => [name, undefined])),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: awsSecretAccessKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_ENV: 'production',
    ...NATIVE_MEMORY,
    // What Node compiled once it need not compile again: half the time to start, and 20 MB less for each process.
    NODE_COMPILE_CACHE: inherited['NODE_COMPILE_CACHE'] ?? COMPILE_CACHE,
  };
}

/** Everything that functions read from their environment, for all of them together: the names do not collide. */
export function functionEnvironment(
  addresses: Addresses,
  { topUpUrl, awsExport }: { readonly topUpUrl: string; readonly awsExport: string },
): Variables {
  const named = (definitions: Readonly<Record<string, { readonly name: string; readonly env: string }>>) =>
    Object.fromEntries(Object.values(definitions).map(({ name, env }) => [env, resourceName(name)]));
  return {
    ...named(TABLES),
    ...named(BUCKETS),
    ...named(SECRETS),
    ...Object.fromEntries(Object.values(QUEUES).map(({ name, env }) => [env, queueUrl(addresses.aws, name)])),
    [ENDPOINT.env]: resourceName(ENDPOINT.name),
    [ENDPOINT.baseEnv]: DEFAULT_BASE_MODEL,
    AWS_ENDPOINT_URL_DYNAMODB: addresses.dynamodb,
    AWS_ENDPOINT_URL_SQS: addresses.aws,
    AWS_ENDPOINT_URL_S3: addresses.aws,
    AWS_ENDPOINT_URL_STS: addresses.aws,
    AWS_ENDPOINT_URL_SAGEMAKER: addresses.sagemaker,
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: addresses.sagemaker,
    DODO_PAYMENTS_BASE_URL: addresses.dodo,
    TOP_UP_URL: topUpUrl,
    // The local SageMaker takes these and runs its own trainer.
    [SETTINGS.trainingRole]: `arn:aws:iam::${ACCOUNT}:role/tunegate-training`,
    [SETTINGS.trainingCreatorRole]: `arn:aws:iam::${ACCOUNT}:role/tunegate-training-creator`,
    [SETTINGS.trainingImage]: 'huggingface-pytorch-training',
    [SETTINGS.trainingInstance]: 'ml.g5.xlarge',
    [SETTINGS.trainingVolumeGb]: '30',
    [SETTINGS.trainingNamePrefix]: 'tunegate-local',
    // What the same seconds would cost on such an instance.
    [SETTINGS.trainingUsdPerHour]: '1.41',
    // What the hours of such an endpoint would cost; the export of a bill may be put into this folder.
    [SETTINGS.endpointPrices]: JSON.stringify([
      { name: resourceName(ENDPOINT.name), usdPerHour: 1.41, maxInstances: 1 },
    ]),
    [SETTINGS.awsExportFolder]: awsExport,
    // One processor core for each training; more at once would only slow each other down.
    [SETTINGS.trainingSlotsPerTenant]: '1',
    [SETTINGS.trainingSlots]: '2',
    [SETTINGS.maxLoraRank]: '32',
    [SETTINGS.loopbackEngines]: 'allowed',
    [SETTINGS.noticeFrom]: 'notices@tunegate.invalid',
    [SETTINGS.agencyEmail]: 'agency@tunegate.invalid',
    [SETTINGS.engineSecrets]: resourceName(ENGINE_SECRETS),
    TUNEGATE_PRICE_TABLES_DIR: `${LAYERS}price-tables`,
    TUNEGATE_TOKENIZERS_DIR: `${LAYERS}tokenizers`,
    POWERTOOLS_METRICS_NAMESPACE: METRIC_NAMESPACE,
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };
}
