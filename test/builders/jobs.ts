import type { FileId, HoldId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { changeJob, type JobRef } from '#core/training/changeJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import type { JobDesk, TrainingMessage } from '#core/training/ports.ts';
import { moveJob } from '#core/training/transitions.ts';
import type { JobState, TrainingJob } from '#core/training/types.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import type { TestDatabase } from './database.ts';
import { aGrant, KEY_A, NOON_MS, testId } from './ledger.ts';

export const GRANTED = micro(1_000_000);
const SLOTS = { perTenant: 2, overall: 3 };

let counted = 0;
/** An id's body that sorts by the order in which it was asked for. */
export const nextBody = (): string => {
  counted += 1;
  return `${process.pid}-${String(counted).padStart(6, '0')}`;
};

/** Jobs and credits on a real database; what is sent to the queue is kept in `sent`. */
export function makeTestDesk(database: TestDatabase, client = database.client) {
  const clock = { nowMs: NOON_MS };
  const sent: TrainingMessage[] = [];
  const failures = { count: 0 };
  const ledger = makeLedgerStore(client, `${database.prefix}ledger`);
  const desk: JobDesk & { readonly ledger: typeof ledger } = {
    world: { clock: () => clock.nowMs },
    jobs: makeJobStore(client, `${database.prefix}training`),
    ledger,
    slots: SLOTS,
    queue: { send: async (message) => void sent.push(message) },
    countFailure: () => {
      failures.count += 1;
    },
  };
  const newTenant = async (): Promise<TenantId> => {
    const tenantId = testId<TenantId>('tenant', nextBody());
    await ledger.openAccount(tenantId, ZERO);
    await ledger.grant(aGrant(tenantId, nextBody(), { amountMicro: GRANTED }));
    return tenantId;
  };
  /** A job that is `created`, with its hold. */
  const newJob = async (tenantId: TenantId, over: Partial<TrainingJob> = {}): Promise<TrainingJob> => {
    const draft = { ...aDraft(tenantId, clock.nowMs), ...over };
    await desk.jobs.create(draft);
    const { id: jobId, holdId, keyId, quote } = draft;
    const held = await ledger.placeHold({
      tenantId,
      holdId,
      keyId,
      amountMicro: quote.amountMicro,
      nowMs: clock.nowMs,
      expiresAtMs: clock.nowMs + JOB_LIMITS.holdMs,
    });
    if (!held.ok) throw new Error(held.error.code);
    return advance({ tenantId, jobId }, 'created');
  };
  /** Brings a job through its states, as the functions would. */
  const advance = async (
    ref: JobRef,
    to: JobState,
    changed: Parameters<typeof moveJob>[3] = {},
  ): Promise<TrainingJob> => {
    const done = await changeJob(desk, ref, (job) => ({
      job: moveJob(job, to, clock.nowMs, changed),
      told: { level: 'info', message: `now ${to}` },
    }));
    if (done.outcome !== 'changed') throw new Error(done.outcome);
    return done.job;
  };
  const balance = async (tenantId: TenantId) => {
    const account = await ledger.readAccount(tenantId);
    return { available: account?.availableMicro, held: account?.heldMicro };
  };
  return { desk, clock, sent, failures, newTenant, newJob, advance, balance };
}

/** Of 1,000 tokens an epoch and 4 epochs: 40,000 µcr. */
function aDraft(tenantId: TenantId, nowMs: number): TrainingJob {
  const body = nextBody();
  return {
    id: testId<TrainingJobId>('trainingJob', body),
    tenantId,
    keyId: KEY_A,
    holdId: testId<HoldId>('hold', body),
    version: 0,
    state: 'draft',
    baseModel: 'tunegate-nano',
    method: 'supervised',
    trainingFile: testId<FileId>('file', body),
    validationFile: null,
    hyperParameters: { epochs: 4, batchSize: 8, learningRateMultiplier: 1, rank: 8, auto: ['batchSize'] },
    augmentation: { wordDropout: 0, joinSameAnswer: 0, shuffleWords: 0 },
    datasetOptions: { removeDuplicates: 'none', redactPii: false, validationShare: 0.1 },
    suffix: null,
    seed: 7,
    metadata: {},
    requestKey: null,
    quote: {
      tokensPerEpoch: 1_000,
      amountMicro: micro(40_000),
      perMillionTokensMicro: micro(10_000_000), // 10 µcr a token
      priceBook: { id: 'test', version: 1 },
    },
    dataset: null,
    attempts: [],
    phase: null,
    putOff: { times: 0, untilMs: 0 },
    artifactKey: null,
    metrics: { trainLoss: null, validationLoss: null, validationExact: null },
    trainedEpochs: 0,
    verdict: null,
    checkpoints: [],
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    finishedAtMs: null,
  };
}

/** Of 900 tokens an epoch. */
export const aDataset = (): NonNullable<TrainingJob['dataset']> => ({
  sha256: 'a'.repeat(64),
  validationSha256: null,
  examples: { training: 90, validation: 10 },
  removed: { exact: 0, near: 0 },
  redacted: 0,
  tokensPerEpoch: 900,
});
