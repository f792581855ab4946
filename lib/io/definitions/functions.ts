import type { QUEUES, SECRETS, TABLES, TenantFolder } from './resources.ts';
import { TRAINING_FUNCTIONS } from './trainingFunctions.ts';

/** Who writes may change and add; to take away is another thing, which few need. */
export type Access = 'read' | 'readWrite' | 'readWriteDelete';
/** Of objects: who clears away what another function reads only deletes. */
export type ObjectAccess = Access | 'delete';

/** What a function may touch. The CDK stack turns this into its role and environment, the local runtime into its environment. */
export type FunctionUses = {
  readonly tables?: Partial<Record<keyof typeof TABLES, Access>>;
  /** Tables that it reads by key alone: it cannot list what is in them, tenants for instance. */
  readonly listsNothingOf?: readonly (keyof typeof TABLES)[];
  readonly queues?: readonly (keyof typeof QUEUES)[];
  readonly buckets?: {
    readonly archive?: Access;
    /** Of every tenant's prefix the folders that it works in. */
    readonly tenantData?: Partial<Record<TenantFolder, ObjectAccess>>;
  };
  readonly secrets?: readonly (keyof typeof SECRETS)[];
  readonly invokesEndpoint?: boolean;
  /** Calls OpenAI-compatible engines with their secrets. */
  readonly engineSecrets?: boolean;
  /** Makes and removes inference components of adapters, and only of these, and asks them. */
  readonly managesAdapters?: boolean;
  /** Lists inference components and looks at the bases' copies. */
  readonly watchesAdapters?: boolean;
  readonly tokenizers?: boolean;
  readonly priceTables?: boolean;
  /** Tells people where to buy credits: needs `SETTINGS.topUpUrl`. */
  readonly topUpUrl?: boolean;
  /** Takes training jobs in or starts them: needs the `SETTINGS` of training. */
  readonly trainingSettings?: boolean;
  /** SageMaker's training jobs: `start` creates, describes and stops them, `follow` only the latter two. */
  readonly training?: 'start' | 'follow';
  /** Calls Dodo Payments: needs one of `SETTINGS.dodoEnvironment` and `SETTINGS.dodoBaseUrl`. */
  readonly callsDodo?: boolean;
  /** Reads AWS's cost and usage export, where one is set up: needs the `SETTINGS` of endpoints, training and export. */
  readonly readsAwsCosts?: boolean;
  /** Knows the endpoints by name: needs `SETTINGS.endpointPrices`. */
  readonly namesEndpoints?: boolean;
  /** Sends e-mail: needs `SETTINGS.noticeFrom`. */
  readonly sendsMail?: boolean;
};

export type FunctionTrigger =
  | { readonly kind: 'http'; readonly streaming: boolean }
  | { readonly kind: 'authorizer' }
  | {
      readonly kind: 'queue';
      readonly queue: keyof typeof QUEUES;
      readonly batchSize: number;
      readonly windowSeconds: number;
      readonly maxConcurrency: number;
    }
  | { readonly kind: 'schedule'; readonly everyMinutes: number };

/** One Lambda function; its code is `functions/<name>/handler.ts`. Which routes an http one serves stands in `#api/routes.ts`. */
export type FunctionDefinition = {
  readonly memoryMb: number;
  /** Of its temporary disk, where 512 MB do not do. */
  readonly diskMb?: number;
  readonly timeoutSeconds: number;
  readonly trigger: FunctionTrigger;
  readonly uses: FunctionUses;
};

export const FUNCTIONS = {
  chat: {
    memoryMb: 1024,
    timeoutSeconds: 900,
    trigger: { kind: 'http', streaming: true },
    uses: {
      tables: { ledger: 'readWrite', directory: 'read', idempotency: 'readWriteDelete' },
      listsNothingOf: ['directory'],
      queues: ['usage', 'shadows'],
      secrets: ['keyPepper'],
      invokesEndpoint: true,
      engineSecrets: true,
      tokenizers: true,
      priceTables: true,
      topUpUrl: true,
    },
  },
  'shadow-call': {
    memoryMb: 512,
    timeoutSeconds: 240,
    trigger: { kind: 'queue', queue: 'shadows', batchSize: 1, windowSeconds: 0, maxConcurrency: 2 },
    // No ledger: what a shadow answers can cost nobody anything.
    uses: {
      tables: { directory: 'read', versions: 'readWrite' },
      listsNothingOf: ['directory'],
      invokesEndpoint: true,
      engineSecrets: true,
    },
  },
  account: {
    memoryMb: 512,
    timeoutSeconds: 29,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: { ledger: 'readWrite', directory: 'readWrite', billing: 'readWrite' },
      secrets: ['dodo'],
      priceTables: true,
      topUpUrl: true,
      callsDodo: true,
    },
  },
  control: {
    memoryMb: 512,
    timeoutSeconds: 29,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: {
        ledger: 'readWrite',
        directory: 'readWriteDelete',
        billing: 'readWrite',
        versions: 'read',
        training: 'read',
      },
      queues: ['reconciliations'],
      secrets: ['keyPepper', 'dodo', 'noticeKey', 'sealKey'],
      priceTables: true,
      topUpUrl: true,
      callsDodo: true,
      namesEndpoints: true,
    },
  },
  files: {
    memoryMb: 1024,
    timeoutSeconds: 29,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: { directory: 'readWriteDelete' },
      queues: ['datasets'],
      buckets: { tenantData: { files: 'readWriteDelete', uploads: 'readWriteDelete' } },
      tokenizers: true,
    },
  },
  'check-dataset': {
    memoryMb: 1769, // one whole processor: tokenizing is all that it does
    timeoutSeconds: 900,
    trigger: { kind: 'queue', queue: 'datasets', batchSize: 1, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { directory: 'readWrite' },
      buckets: { tenantData: { files: 'readWriteDelete' } },
      tokenizers: true,
    },
  },
  adapters: {
    memoryMb: 1769, // one whole processor: archives are unpacked, judged and packed
    diskMb: 2_048,
    timeoutSeconds: 29,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: { directory: 'readWrite' },
      queues: ['adapters'],
      buckets: {
        tenantData: { 'adapter-uploads': 'readWriteDelete', adapters: 'readWrite', training: 'read' },
      },
    },
  },
  'deploy-adapter': {
    memoryMb: 1769,
    diskMb: 2_048,
    timeoutSeconds: 900,
    trigger: { kind: 'queue', queue: 'adapters', batchSize: 1, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { directory: 'readWriteDelete', training: 'readWriteDelete', ledger: 'readWrite' },
      queues: ['adapters'],
      buckets: {
        tenantData: { adapters: 'readWrite', training: 'read', 'training/*/checkpoints': 'delete' },
      },
      managesAdapters: true,
    },
  },
  'watch-adapters': {
    memoryMb: 512,
    timeoutSeconds: 240, // less than until the next run
    trigger: { kind: 'schedule', everyMinutes: 5 },
    uses: {
      tables: { directory: 'readWrite', billing: 'readWrite' },
      listsNothingOf: ['billing'], // it only adds notices
      queues: ['adapters'],
      watchesAdapters: true,
    },
  },
  ...TRAINING_FUNCTIONS,
  authorizer: {
    memoryMb: 512,
    timeoutSeconds: 5,
    trigger: { kind: 'authorizer' },
    uses: {
      tables: { directory: 'read' },
      listsNothingOf: ['directory'],
      secrets: ['keyPepper', 'adminKey'],
    },
  },
  'dodo-webhook': {
    memoryMb: 512,
    timeoutSeconds: 10,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: { billing: 'readWrite' },
      queues: ['payments', 'subscriptions', 'refills'],
      secrets: ['dodo'],
    },
  },
  'apply-payment': {
    memoryMb: 512,
    timeoutSeconds: 60,
    trigger: { kind: 'queue', queue: 'payments', batchSize: 5, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { ledger: 'readWrite', billing: 'readWrite' },
      queues: ['subscriptions'],
      secrets: ['dodo'],
      callsDodo: true,
    },
  },
  'find-missed-payments': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 15 },
    uses: { tables: { billing: 'read' }, queues: ['payments'], secrets: ['dodo'], callsDodo: true },
  },
  'apply-subscription': {
    memoryMb: 512,
    timeoutSeconds: 60,
    // Each message is a call to Dodo, which takes 240 a minute of all functions together.
    trigger: { kind: 'queue', queue: 'subscriptions', batchSize: 5, windowSeconds: 0, maxConcurrency: 2 },
    uses: {
      tables: { ledger: 'readWrite', directory: 'readWrite', billing: 'readWrite' },
      secrets: ['dodo', 'keyPepper'],
      priceTables: true,
      callsDodo: true,
    },
  },
  'find-due-subscriptions': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 15 },
    uses: { tables: { billing: 'read' }, queues: ['subscriptions'], secrets: ['dodo'], callsDodo: true },
  },
  'report-usage': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: {
      tables: { ledger: 'readWriteDelete', directory: 'read' }, // its outbox lies in the ledger's table
      secrets: ['dodo'],
      priceTables: true,
      callsDodo: true,
    },
  },
  'refill-credits': {
    memoryMb: 512,
    timeoutSeconds: 60, // far less than a charge may be on its way: see the README of core/refill
    trigger: { kind: 'queue', queue: 'refills', batchSize: 1, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { ledger: 'readWrite', directory: 'read', billing: 'readWrite' },
      secrets: ['dodo'],
      priceTables: true,
      callsDodo: true,
    },
  },
  'sweep-refills': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: { tables: { ledger: 'read', billing: 'read' }, queues: ['refills'] },
  },
  'send-notices': {
    memoryMb: 512,
    timeoutSeconds: 240, // less than a claim lasts: see sendNotices
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: {
      tables: { billing: 'readWrite', directory: 'read' },
      secrets: ['noticeKey'],
      sendsMail: true,
    },
  },
  'reconcile-books': {
    memoryMb: 1024,
    timeoutSeconds: 900,
    trigger: { kind: 'queue', queue: 'reconciliations', batchSize: 1, windowSeconds: 0, maxConcurrency: 2 },
    uses: {
      tables: { ledger: 'read', directory: 'read', billing: 'readWrite', training: 'read' },
      buckets: { archive: 'read' },
      queues: ['payments'],
      secrets: ['dodo'],
      priceTables: true,
      callsDodo: true,
      readsAwsCosts: true,
    },
  },
  'start-reconciliation': {
    memoryMb: 256,
    timeoutSeconds: 30,
    trigger: { kind: 'schedule', everyMinutes: 1_440 },
    uses: { queues: ['reconciliations'] },
  },
  'apply-dunning': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: { tables: { ledger: 'readWrite', directory: 'readWrite', billing: 'readWrite' } },
  },
  'grant-free-credits': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 15 },
    uses: { tables: { ledger: 'readWrite', directory: 'read' } },
  },
  'settle-usage': {
    memoryMb: 512,
    timeoutSeconds: 60,
    trigger: { kind: 'queue', queue: 'usage', batchSize: 100, windowSeconds: 1, maxConcurrency: 10 },
    uses: {
      tables: {
        ledger: 'readWrite',
        directory: 'read',
        billing: 'read',
        versions: 'readWrite',
        watch: 'readWrite',
      },
      queues: ['refills'],
      priceTables: true,
    },
  },
  'resend-usage': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 5 },
    uses: { tables: { idempotency: 'readWriteDelete' }, queues: ['usage'] },
  },
  'archive-usage': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 5 },
    uses: { tables: { ledger: 'readWrite', directory: 'read' }, buckets: { archive: 'readWrite' } },
  },
  'expire-holds': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: { tables: { ledger: 'readWrite', directory: 'read', billing: 'readWrite' } },
  },
  'seal-books': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 60 },
    uses: { tables: { ledger: 'readWrite', directory: 'read' }, secrets: ['sealKey'] },
  },
  'watch-usage': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 10 },
    uses: {
      tables: { ledger: 'readWrite', directory: 'read', watch: 'readWrite', billing: 'readWrite' },
    },
  },
} as const satisfies Record<string, FunctionDefinition>;

export type FunctionName = keyof typeof FUNCTIONS;
