import type { Example } from '#core/datasets/types.ts';
import { contentKey } from '#core/files/types.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { ok } from '#core/shared/result.ts';
import type {
  ImportMessage,
  LineWriter,
  ProgressLine,
  TrainingDesk,
  TrainingRefused,
  TrainingService,
  TrainingState,
} from '#core/training/ports.ts';
import { jobPrefix } from '#core/training/trainingRequest.ts';
import type { TrainingJob } from '#core/training/types.ts';
import type { TestDatabase } from './database.ts';
import { bytesOf, chatLine, TOOLS } from './datasets.ts';
import { makeTestDesk, nextBody } from './jobs.ts';
import { testId } from './ledger.ts';

type Told = Partial<TrainingState> & Pick<TrainingState, 'status'>;

const STATE: TrainingState = {
  status: 'in_progress',
  secondaryStatus: 'Starting',
  failureReason: null,
  artifactKey: null,
  trainingSeconds: null,
  billableSeconds: null,
  metrics: {},
};

/**
 * SageMaker as the port has it, without its work: jobs stand still until the test moves them. A name is created once;
 * one that has ended does not change any more.
 */
export function makeStillSageMaker() {
  const states = new Map<string, TrainingState>();
  const refusals: TrainingRefused[] = [];
  const service: TrainingService = {
    create: async ({ name }) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) return { ok: false, error: refusal };
      if (states.has(name)) return ok('exists');
      states.set(name, STATE);
      return ok('created');
    },
    describe: async (name) => states.get(name),
    stop: async (name) => {
      if (states.get(name)?.status === 'in_progress')
        become(name, { status: 'stopping', secondaryStatus: 'Stopping' });
    },
  };
  const become = (name: string, told: Told): void => {
    const before = states.get(name);
    if (before === undefined || hasEnded(before)) return;
    states.set(name, { ...before, ...told });
  };
  return {
    service,
    become,
    /** The next calls to create are refused with these. */
    refuse: (...next: readonly TrainingRefused[]) => void refusals.push(...next),
    names: () => [...states.keys()],
    atWork: () => [...states].filter(([, state]) => !hasEnded(state)).map(([name]) => name),
    complete: (name: string) =>
      become(name, {
        status: 'completed',
        secondaryStatus: 'Completed',
        artifactKey: `${name}/output/model.tar.gz`,
        trainingSeconds: 100,
        billableSeconds: 30,
      }),
    fail: (name: string, failureReason: string) =>
      become(name, { status: 'failed', secondaryStatus: 'Failed', failureReason }),
    /** What was asked to stop has stopped. */
    settle: () => {
      for (const [name, { status }] of states)
        if (status === 'stopping')
          become(name, {
            status: 'stopped',
            secondaryStatus: 'Stopped',
            trainingSeconds: 50,
            billableSeconds: 15,
          });
    },
  };
}

const hasEnded = ({ status }: TrainingState): boolean =>
  status === 'completed' || status === 'failed' || status === 'stopped';

/** Objects in memory; what a job's trainer told so far is written with `tell`. */
export function makeObjects() {
  const objects = new Map<string, string>();
  const lines = (key: string): LineWriter => {
    const written: string[] = [];
    return {
      write: async (line) => void written.push(`${line}\n`),
      close: async () => void objects.set(key, written.join('')),
      abort: async () => undefined,
    };
  };
  return {
    objects,
    openLines: lines,
    store: {
      read: async (key: string) => {
        const text = objects.get(key);
        return text === undefined ? undefined : chunksOf(text);
      },
      put: async (key: string, body: Uint8Array | string) => void objects.set(key, String(body)),
    },
    tell: (job: Pick<TrainingJob, 'tenantId' | 'id'>, progress: Partial<ProgressLine>) => {
      const key = `${jobPrefix(job)}checkpoints/progress.jsonl`;
      const line = { atMs: 0, step: 1, steps: 10, epoch: 1, trainLoss: 1, tokensPerSecond: 100, ...progress };
      objects.set(key, `${objects.get(key) ?? ''}${JSON.stringify(line)}\n`);
    },
  };
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Each message of an example is ten tokens. */
const tokenizer = {
  baseModel: 'tunegate-nano',
  contextTokens: 512,
  count: ({ messages }: Example) => messages.length * 10,
};

/** Everything that starts and follows jobs, on a real database, with a SageMaker that stands still. */
export function makeTrainingDesk(database: TestDatabase) {
  const base = makeTestDesk(database);
  const sageMaker = makeStillSageMaker();
  const stored = makeObjects();
  const imports: ImportMessage[] = [];
  const desk: TrainingDesk & typeof base.desk = {
    ...base.desk,
    training: sageMaker.service,
    imports: { send: async (message) => void imports.push(message) },
    objects: stored.store,
    openLines: stored.openLines,
    tools: async () => ({ ...TOOLS, tokenizer }),
    namePrefix: 'tunegate-test',
    instanceMicroUsdPerHour: 1_410_000,
    log: { warn: () => undefined },
  };
  /** A job whose file has `examples` examples of 20 tokens each. */
  const newJob = (tenantId: TenantId, examples = 50) => {
    const file = testId<FileId>('file', nextBody());
    const content = bytesOf(
      ...Array.from({ length: examples }, (_, i) => chatLine(`question ${i}`, `answer ${i % 3}`)),
    );
    stored.objects.set(contentKey({ tenantId, id: file }), content.toString());
    return base.newJob(tenantId, { trainingFile: file });
  };
  return { ...base, desk, sageMaker, stored, imports, newJob };
}
