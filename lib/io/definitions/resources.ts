/**
 * Every table, queue and bucket of the product, once, as data. The CDK stacks create them from it on AWS and the
 * local runtime on one machine; a test holds the synthesized templates against it.
 */
export type IndexDefinition = {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
};

export type TableDefinition = {
  readonly name: string;
  /** The environment variable that tells a function this table's name. */
  readonly env: string;
  readonly partitionKey: 'pk';
  readonly sortKey: 'sk';
  readonly indexes: readonly IndexDefinition[];
  readonly ttlAttribute?: string;
};

export type QueueDefinition = {
  readonly name: string;
  readonly env: string;
  readonly visibilitySeconds: number;
  /** Deliveries before a message goes to the dead-letter queue `<name>-dlq`. */
  readonly maxReceives: number;
  /** How long a message is kept, there too; absent: as long as SQS can, because messages are money on its way. */
  readonly keptSeconds?: number;
};

/** The longest that SQS keeps a message. */
export const LONGEST_KEPT_SECONDS = 14 * 86_400;

export type BucketDefinition = { readonly name: string; readonly env: string };

const table = (
  name: string,
  env: string,
  extra: Partial<Pick<TableDefinition, 'indexes' | 'ttlAttribute'>> = {},
): TableDefinition => ({
  name,
  env,
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [],
  ...extra,
});

export const TABLES = {
  /** Accounts, grants, entries, markers and usage roll-ups, one partition a tenant. */
  ledger: table('ledger', 'LEDGER_TABLE'),
  /** Tenants, keys, models and the audit log. */
  directory: table('directory', 'DIRECTORY_TABLE', {
    indexes: [{ name: 'byList', partitionKey: 'listPk', sortKey: 'listSk' }],
  }),
  /** Checkouts, payments and every webhook that Dodo delivered. */
  billing: table('billing', 'BILLING_TABLE', {
    indexes: [{ name: 'byList', partitionKey: 'listPk', sortKey: 'listSk' }],
  }),
  /** Training jobs, their events, and the slots that they take. */
  training: table('training', 'TRAINING_TABLE', {
    indexes: [{ name: 'byList', partitionKey: 'listPk', sortKey: 'listSk' }],
  }),
  /** First answers of calls that carried an Idempotency-Key, and usage events that the queue did not take. */
  idempotency: table('idempotency', 'IDEMPOTENCY_TABLE', { ttlAttribute: 'expiresAtSec' }),
  /** What versions of a model did while they were compared, and which arm of an experiment with prices who was in. */
  versions: table('versions', 'VERSIONS_TABLE', { ttlAttribute: 'expiresAtSec' }),
  /** What keys did in the last two days, hour by hour. */
  watch: table('watch', 'WATCH_TABLE', { ttlAttribute: 'expiresAtSec' }),
} as const satisfies Record<string, TableDefinition>;

export const QUEUES = {
  usage: { name: 'usage', env: 'USAGE_QUEUE_URL', visibilitySeconds: 180, maxReceives: 5 },
  /** Files that wait to be checked. The last time it is delivered, a file is given up: three checks of it have died. */
  datasets: { name: 'datasets', env: 'DATASETS_QUEUE_URL', visibilitySeconds: 1_800, maxReceives: 4 },
  /** Training jobs that wait to start. */
  training: { name: 'training', env: 'TRAINING_QUEUE_URL', visibilitySeconds: 5_400, maxReceives: 5 },
  /** What SageMaker tells of training jobs, as EventBridge sends it. On one machine the local SageMaker sends it here itself. */
  trainingEvents: {
    name: 'training-events',
    env: 'TRAINING_EVENTS_QUEUE_URL',
    visibilitySeconds: 180,
    maxReceives: 8,
  },
  /** Adapters that wait to be scanned, deployed and probed. */
  adapters: { name: 'adapters', env: 'ADAPTERS_QUEUE_URL', visibilitySeconds: 5_400, maxReceives: 5 },
  /** Days whose books shall be held against each other. */
  reconciliations: {
    name: 'reconciliations',
    env: 'RECONCILIATIONS_QUEUE_URL',
    visibilitySeconds: 5_400,
    maxReceives: 3,
  },
  /** Tenants whose refill should be looked at. */
  refills: { name: 'refills', env: 'REFILLS_QUEUE_URL', visibilitySeconds: 180, maxReceives: 5 },
  /** Subscriptions and licences that should be looked at. */
  subscriptions: {
    name: 'subscriptions',
    env: 'SUBSCRIPTIONS_QUEUE_URL',
    visibilitySeconds: 180,
    maxReceives: 8,
  },
  payments: { name: 'payments', env: 'PAYMENTS_QUEUE_URL', visibilitySeconds: 180, maxReceives: 8 },
  /** Copies of calls for shadows: prompts of clients, so they are not kept. */
  shadows: {
    name: 'shadows',
    env: 'SHADOWS_QUEUE_URL',
    visibilitySeconds: 720,
    maxReceives: 2,
    keptSeconds: 3_600,
  },
} as const satisfies Record<string, QueueDefinition>;

export const BUCKETS = {
  /** Usage as compressed JSON lines, `usage/dt=YYYY-MM-DD/hour=HH/<tenant>.jsonl.gz`. */
  archive: { name: 'archive', env: 'ARCHIVE_BUCKET' },
  /** Clients' files and adapters, everything under `tenants/<tenant>/`. */
  tenantData: { name: 'tenant-data', env: 'TENANT_DATA_BUCKET' },
} as const satisfies Record<string, BucketDefinition>;

/** What is under `tenants/<tenant>/`; a training job's checkpoints are under its own folder. */
export type TenantFolder =
  | 'files'
  | 'uploads'
  | 'adapters'
  | 'adapter-uploads'
  | 'training'
  | 'training/*/checkpoints';

/** Folder of containers/training in the tenant data bucket; base models are under `bases/<name>/`. */
export const TRAINING_CODE_PREFIX = 'code/training/';

/** Tags of the session that creates a training job: the job's own role knows by them which prefix is its own. */
export const TENANT_TAG = 'tunegate-tenant';
export const JOB_TAG = 'tunegate-job';

/** Secrets by their logical name; a function reads one by the name or ARN in the environment variable. */
export const SECRETS = {
  /** Keys the checksum of API keys; a list, newest first, so that it can be rotated. */
  keyPepper: { name: 'key-pepper', env: 'KEY_PEPPER_SECRET' },
  adminKey: { name: 'admin-key', env: 'ADMIN_KEY_SECRET' },
  /** Makes the key that signs the seals of statements; a list, newest first, so that it can be rotated. */
  sealKey: { name: 'seal-key', env: 'SEAL_KEY_SECRET' },
  /** Makes the keys that sign notices to webhooks; a list, newest first, so that it can be rotated. */
  noticeKey: { name: 'notice-key', env: 'NOTICE_KEY_SECRET' },
  /** `{"apiKey": "…", "webhookKeys": ["whsec_…", …]}`, newest webhook key first. */
  dodo: { name: 'dodo', env: 'DODO_SECRET' },
} as const;

/** The secret of an OpenAI-compatible engine is named by the agency, behind this. */
export const ENGINE_SECRETS = 'engine-';

/** Settings that differ between deployments; a function gets those that its definition names. */
export const SETTINGS = {
  /** Where a person buys credits: the link of a 402 and of `GET /credits`. */
  topUpUrl: 'TOP_UP_URL',
  /** Where Dodo is: `live_mode` or `test_mode` here, or an address below. Exactly one of the two is set. */
  dodoEnvironment: 'DODO_ENVIRONMENT',
  dodoBaseUrl: 'DODO_PAYMENTS_BASE_URL',
  /** The highest rank of an adapter that the endpoint serves. */
  maxLoraRank: 'MAX_LORA_RANK',
  /** What SageMaker runs training jobs with. */
  trainingRole: 'TRAINING_ROLE_ARN',
  /** What creates them: its session says whose job it is. */
  trainingCreatorRole: 'TRAINING_CREATOR_ROLE_ARN',
  trainingImage: 'TRAINING_IMAGE',
  trainingInstance: 'TRAINING_INSTANCE_TYPE',
  trainingVolumeGb: 'TRAINING_VOLUME_GB',
  /** Training jobs at work at once, of one tenant and of all together. */
  trainingSlotsPerTenant: 'TRAINING_SLOTS_PER_TENANT',
  trainingSlots: 'TRAINING_SLOTS',
  /** What names of training jobs begin with, and an instance's price in dollars an hour. */
  trainingNamePrefix: 'TRAINING_NAME_PREFIX',
  trainingUsdPerHour: 'TRAINING_USD_PER_HOUR',
  /** SageMaker endpoints of this deployment with their price: see `readEndpointPrices`. */
  endpointPrices: 'INFERENCE_ENDPOINT_PRICES',
  /** Where AWS's cost and usage export lies: a bucket and what its keys begin with, or on one machine a folder. */
  awsExportBucket: 'AWS_EXPORT_BUCKET',
  awsExportPrefix: 'AWS_EXPORT_PREFIX',
  awsExportFolder: 'AWS_EXPORT_DIR',
  /** Who notices by e-mail come from; the mail service must know the address. */
  noticeFrom: 'NOTICE_FROM',
  /** Where the agency's own notices go; absent: they stay in the list. */
  agencyEmail: 'AGENCY_EMAIL',
  /** `allowed` on one machine alone: engines may then be servers on 127.0.0.1. */
  loopbackEngines: 'LOOPBACK_ENGINES',
  /** What the names of the secrets of engines begin with; the rest is the name that a version gives. */
  engineSecrets: 'ENGINE_SECRETS_PREFIX',
} as const;

/** The SageMaker endpoint that serves the base model and every adapter on it. */
export const ENDPOINT = {
  name: 'inference',
  env: 'SAGEMAKER_ENDPOINT_NAME',
  /** The inference component of the base model, on which adapters stand. */
  baseEnv: 'SAGEMAKER_BASE_COMPONENT',
} as const;
