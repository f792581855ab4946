import type { LlamaContext, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';

/** One adapter (or the bare base) ready to answer: a context of its own, with several sequences. */
type Lane = {
  readonly context: LlamaContext;
  readonly free: LlamaContextSequence[];
  readonly waiting: ((sequence: LlamaContextSequence) => void)[];
};

export type Lanes = {
  /** Runs `use` with a sequence that has this adapter applied and an empty history. */
  readonly withSequence: <T>(
    adapterPath: string | null,
    signal: AbortSignal,
    use: (sequence: LlamaContextSequence) => Promise<T>,
  ) => Promise<T>;
  /** Closes an adapter's lane as soon as nothing uses it. */
  readonly close: (adapterPath: string) => Promise<void>;
  readonly stats: () => { readonly open: number; readonly users: number };
};

/** Thrown when more calls wait than the engine keeps: the caller answers 503. */
export class EngineOverloaded extends Error {
  override readonly name = 'EngineOverloaded';
}

const SEQUENCES = 8;
const MAX_OPEN = 8;
const MAX_WAITING = 1_024;
const BATCH_TOKENS = 512;
// More threads than one make a model this small slower by orders of magnitude: they wait for each other.
const THREADS = 1;
const CLOSE_CHECK_MS = 20;

/**
 * LoRA belongs to a llama.cpp context, so each active adapter has its own over the one base in memory, and
 * adapters cannot mix. The least recently used idle context is closed when a further one is needed.
 */
export function makeLanes(model: LlamaModel, contextTokens: number): Lanes {
  const lanes = new Map<string, Promise<Lane>>();
  /** Calls that use a lane or wait for it; a lane with none may be closed. */
  const users = new Map<string, number>();
  let waiting = 0;

  const open = async (adapterPath: string | null): Promise<Lane> => {
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences: SEQUENCES,
      batchSize: BATCH_TOKENS,
      threads: THREADS,
      ...(adapterPath === null ? {} : { lora: adapterPath }),
    });
    const free = Array.from({ length: SEQUENCES }, () => context.getSequence());
    return { context, free, waiting: [] };
  };

  const dispose = async (key: string): Promise<void> => {
    const lane = lanes.get(key);
    lanes.delete(key);
    await (await lane)?.context.dispose();
  };

  const makeRoom = async (): Promise<void> => {
    while (lanes.size >= MAX_OPEN) {
      const idle = [...lanes.keys()].find((key) => (users.get(key) ?? 0) === 0);
      if (idle === undefined) return; // all are busy: stand above the bound for a while rather than wait for a stranger
      await dispose(idle);
    }
  };

  const laneOf = async (adapterPath: string | null): Promise<Lane> => {
    const key = adapterPath ?? '';
    const known = lanes.get(key);
    if (known !== undefined) {
      lanes.delete(key);
      lanes.set(key, known); // the most recently used stands last
      return known;
    }
    const opening = makeRoom().then(() => open(adapterPath));
    lanes.set(key, opening);
    opening.catch(() => lanes.delete(key));
    return opening;
  };

  const acquire = (lane: Lane, signal: AbortSignal): Promise<LlamaContextSequence> => {
    const sequence = lane.free.pop();
    if (sequence !== undefined) return Promise.resolve(sequence);
    if (waiting >= MAX_WAITING) throw new EngineOverloaded('too many calls are waiting for the model');
    waiting += 1;
    return new Promise<LlamaContextSequence>((resolve, reject) => {
      const take = (given: LlamaContextSequence) => {
        signal.removeEventListener('abort', leave);
        resolve(given);
      };
      const leave = () => {
        lane.waiting.splice(lane.waiting.indexOf(take), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      lane.waiting.push(take);
    }).finally(() => {
      waiting -= 1;
    });
  };

  const release = (lane: Lane, sequence: LlamaContextSequence): void => {
    const next = lane.waiting.shift();
    if (next === undefined) lane.free.push(sequence);
    else next(sequence);
  };

  return {
    withSequence: async (adapterPath, signal, use) => {
      const key = adapterPath ?? '';
      users.set(key, (users.get(key) ?? 0) + 1);
      try {
        const lane = await laneOf(adapterPath);
        signal.throwIfAborted();
        const sequence = await acquire(lane, signal);
        try {
          await sequence.clearHistory();
          return await use(sequence);
        } finally {
          release(lane, sequence);
        }
      } finally {
        const left = (users.get(key) ?? 1) - 1;
        if (left > 0) users.set(key, left);
        else users.delete(key);
      }
    },
    close: async (adapterPath) => {
      while ((users.get(adapterPath) ?? 0) > 0)
        await new Promise((resolve) => setTimeout(resolve, CLOSE_CHECK_MS));
      if (lanes.has(adapterPath)) await dispose(adapterPath);
    },
    stats: () => ({ open: lanes.size, users: [...users.values()].reduce((a, b) => a + b, 0) }),
  };
}
