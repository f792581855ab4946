import type { FunctionDefinition } from './functions.ts';

/** The functions that take training jobs in, start them and follow them: part of `FUNCTIONS`. */
export const TRAINING_FUNCTIONS = {
  'fine-tuning': {
    memoryMb: 512,
    timeoutSeconds: 29,
    trigger: { kind: 'http', streaming: false },
    uses: {
      tables: { training: 'readWriteDelete', ledger: 'readWrite', directory: 'read' },
      queues: ['training'],
      buckets: { tenantData: { files: 'read', training: 'read' } },
      priceTables: true,
      topUpUrl: true,
      trainingSettings: true,
    },
  },
  'start-training': {
    memoryMb: 1769, // one whole processor: it makes dataset versions
    timeoutSeconds: 900,
    trigger: { kind: 'queue', queue: 'training', batchSize: 1, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { training: 'readWriteDelete', ledger: 'readWrite' },
      queues: ['training', 'adapters'],
      buckets: { tenantData: { files: 'read', training: 'readWrite' } },
      tokenizers: true,
      trainingSettings: true,
      training: 'start',
    },
  },
  'training-events': {
    memoryMb: 512,
    timeoutSeconds: 30,
    trigger: { kind: 'queue', queue: 'trainingEvents', batchSize: 1, windowSeconds: 0, maxConcurrency: 5 },
    uses: {
      tables: { training: 'readWriteDelete', ledger: 'readWrite' },
      queues: ['training', 'adapters'],
      buckets: { tenantData: { training: 'read' } },
      trainingSettings: true,
      training: 'follow',
    },
  },
  'reconcile-training': {
    memoryMb: 512,
    timeoutSeconds: 300,
    trigger: { kind: 'schedule', everyMinutes: 1 },
    uses: {
      tables: { training: 'readWriteDelete', ledger: 'readWrite' },
      queues: ['training', 'adapters'],
      buckets: { tenantData: { training: 'read' } },
      trainingSettings: true,
      training: 'follow',
    },
  },
} as const satisfies Record<string, FunctionDefinition>;
