/**
 * Everything that differs between two deployments, and nothing else does. A new environment is a new entry here.
 */
export type Environment = {
  readonly name: string;
  /** Absent: the account of the credentials in use; the template then names none. */
  readonly account: string | undefined;
  /** A table with a customer's key needs to know its region when it is synthesized. */
  readonly region: string;
  /** Whether tables, buckets, keys and secrets outlive their stack, with deletion protection and point-in-time recovery. */
  readonly keepsData: boolean;
  /** Who is written to when an alarm rings; absent: subscribe to the topic by hand. */
  readonly alarmEmail: string | undefined;
  /** Where docs/runbook.md can be read; alarms link into it. */
  readonly runbookUrl: string;
  /** Where a client buys credits: the link of every 402. */
  readonly topUpUrl: string;
  /** Who notices to clients come from: an address or a domain of it must be verified in Amazon SES. */
  readonly noticeFrom: string;
  readonly dodoEnvironment: 'live_mode' | 'test_mode';
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN';
  readonly logRetentionDays: 14 | 365;
  readonly api: {
    /** Requests a second for the whole API, and the bucket above it. */
    readonly requestsPerSecond: number;
    readonly burst: number;
    /** The firewall blocks an address past this; a client's servers often share one address, so it is generous. */
    readonly requestsPerAddressIn5Minutes: number;
  };
  readonly tables: {
    /** On-demand ceilings of each table, in request units a second: a runaway loop costs no more than this. */
    readonly maxReadUnits: number;
    readonly maxWriteUnits: number;
  };
  readonly inference: InferenceSettings;
  /**
   * Endpoints of single tenants (Growth, Enterprise), by a short name: `acme` makes the endpoint
   * `tunegate-<environment>-inference-acme`, which a model's engine names. What is not said is as in the shared one.
   */
  readonly dedicatedEndpoints: Readonly<Record<string, Partial<Omit<InferenceSettings, 'baseComponent'>>>>;
  readonly training: TrainingSettings;
  /**
   * Where AWS delivers its cost and usage export (CUR 2.0 with resource ids, CSV or Parquet): the nightly
   * reconciliation reads it. Absent: the bill is compared only when somebody imports it.
   */
  readonly awsExport: { readonly bucket: string; readonly prefix: string } | undefined;
};

export type TrainingSettings = {
  /** Jobs at work at once, of one tenant and of all together. Not above the account's quota for the instance type. */
  readonly slotsPerTenant: number;
  readonly slots: number;
  readonly instanceType: string;
  /** On-demand price of one instance, as last seen for us-east-1; jobs are billed on spot, for less. */
  readonly instanceUsdPerHour: number;
  readonly volumeGb: number;
};

export type InferenceSettings = {
  readonly instanceType: string;
  /** On-demand price of one instance, as last seen for us-east-1; only the printed estimate uses it. */
  readonly instanceUsdPerHour: number;
  readonly maxInstances: number;
  /** Copies of the base model that never sleep: 0 costs nothing while nobody calls, and a wait of minutes then. */
  readonly minCopies: number;
  /** Copies of the base model that may run; each takes the accelerators below. */
  readonly maxCopies: number;
  readonly acceleratorsPerCopy: number;
  readonly minMemoryMbPerCopy: number;
  /** Calls in flight on one copy that scaling aims at. */
  readonly concurrencyPerCopy: number;
  /** Folder of the base model's files in the tenant data bucket is `bases/<baseModel>/`; its tokenizer is in the layer. */
  readonly baseModel: string;
  /** Its inference component. A model without an adapter is answered by the component of its base model's name. */
  readonly baseComponent: string;
  /** Never below the base's `maxRank` in lib/core/adapters/bases.ts: the registry takes adapters up to that. */
  readonly maxLoraRank: 8 | 16 | 32 | 64;
  /** Adapters in GPU memory at once, and in CPU memory behind them. */
  readonly adaptersOnGpu: number;
  readonly adaptersInMemory: number;
};

const account = process.env['TUNEGATE_AWS_ACCOUNT'] ?? process.env['CDK_DEFAULT_ACCOUNT'];
const region = process.env['TUNEGATE_AWS_REGION'] ?? process.env['CDK_DEFAULT_REGION'] ?? 'us-east-1';
const alarmEmail = process.env['TUNEGATE_ALARM_EMAIL'];
const topUpUrl = process.env['TUNEGATE_TOP_UP_URL'] ?? 'https://example.com/credits';
const noticeFrom = process.env['TUNEGATE_NOTICE_FROM'] ?? 'notices@example.com';
const awsExportBucket = process.env['TUNEGATE_AWS_EXPORT_BUCKET'];
const awsExport =
  awsExportBucket === undefined
    ? undefined
    : { bucket: awsExportBucket, prefix: process.env['TUNEGATE_AWS_EXPORT_PREFIX'] ?? '' };
const runbookUrl = process.env['TUNEGATE_RUNBOOK_URL'] ?? 'docs/runbook.md';

export const ENVIRONMENTS: Readonly<Record<string, Environment>> = {
  dev: {
    name: 'dev',
    account,
    region,
    keepsData: false,
    alarmEmail,
    runbookUrl,
    topUpUrl,
    noticeFrom,
    awsExport,
    dodoEnvironment: 'test_mode',
    logLevel: 'DEBUG',
    logRetentionDays: 14,
    api: { requestsPerSecond: 50, burst: 100, requestsPerAddressIn5Minutes: 5_000 },
    tables: { maxReadUnits: 1_000, maxWriteUnits: 1_000 },
    inference: {
      instanceType: 'ml.g5.xlarge',
      instanceUsdPerHour: 1.41,
      maxInstances: 1,
      minCopies: 0,
      maxCopies: 1,
      acceleratorsPerCopy: 1,
      minMemoryMbPerCopy: 4_096,
      concurrencyPerCopy: 16,
      baseModel: 'tunegate-nano',
      baseComponent: 'tunegate-nano-dev', // names are unique in an account, and dev may share prod's
      maxLoraRank: 32,
      adaptersOnGpu: 8,
      adaptersInMemory: 32,
    },
    dedicatedEndpoints: {},
    training: {
      slotsPerTenant: 1,
      slots: 1,
      instanceType: 'ml.g5.xlarge',
      instanceUsdPerHour: 1.41,
      volumeGb: 50,
    },
  },
  prod: {
    name: 'prod',
    account,
    region,
    keepsData: true,
    alarmEmail,
    runbookUrl,
    topUpUrl,
    noticeFrom,
    awsExport,
    dodoEnvironment: 'live_mode',
    logLevel: 'INFO',
    logRetentionDays: 365,
    api: { requestsPerSecond: 1_000, burst: 2_000, requestsPerAddressIn5Minutes: 30_000 },
    tables: { maxReadUnits: 20_000, maxWriteUnits: 20_000 },
    inference: {
      instanceType: 'ml.g5.2xlarge',
      instanceUsdPerHour: 1.52,
      maxInstances: 4,
      minCopies: 0,
      maxCopies: 4,
      acceleratorsPerCopy: 1,
      minMemoryMbPerCopy: 8_192,
      concurrencyPerCopy: 16,
      baseModel: 'tunegate-nano',
      baseComponent: 'tunegate-nano',
      maxLoraRank: 32,
      adaptersOnGpu: 16,
      adaptersInMemory: 128,
    },
    dedicatedEndpoints: {},
    training: {
      slotsPerTenant: 2,
      slots: 8,
      instanceType: 'ml.g5.xlarge',
      instanceUsdPerHour: 1.41,
      volumeGb: 100,
    },
  },
};

/** Finds the environment that `-c env=NAME` asks for. Throws one line that lists them when it names none of them. */
export function findEnvironment(name: unknown): Environment {
  const found =
    typeof name === 'string' && Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(ENVIRONMENTS)
    .map((known) => `-c env=${known}`)
    .join(' or ');
  throw new Error(
    `${name === undefined ? 'no environment named' : `no environment "${name}"`}: add ${known}`,
  );
}
