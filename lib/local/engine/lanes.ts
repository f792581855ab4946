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
  /** Resolves when no call uses this adapter. */
  readonly idle: (adapterPath: string | null) => Promise<void>;
  /** Closes an adapter's lane as soon as nothing uses it. */
  readonly close: (adapterPath: string) => Promise<void>;
  readonly stats: () => {
    readonly open: number;
    readonly users: number;
    /** How often a lane was opened, and how long the last of these took, in milliseconds. */
    readonly opened: number;
    readonly openMs: readonly number[];
  };
};

/**
 * The library keeps every adapter that a model was ever given, and offers no way to let one go; so this reaches into
 * it, and does nothing where it looks otherwise than expected. Only for an adapter that no context uses.
 */
async function unloadLora(model: object, adapterPath: string): Promise<void> {
  const kept: unknown = Reflect.get(model, '_loraAdapters');
  if (!(kept instanceof Map)) return;
  const lora: unknown = kept.get(adapterPath);
  if (typeof lora !== 'object' || lora === null) return;
  const dispose: unknown = Reflect.get(lora, 'dispose');
  if (typeof dispose !== 'function') return;
  kept.delete(adapterPath);
  await Reflect.apply(dispose, lora, []);
}

/** Thrown when more calls wait than the engine keeps: the caller answers 503. */
export class EngineOverloaded extends Error {
  override readonly name = 'EngineOverloaded';
}

const SEQUENCES = 8;
/**
 * Lanes in memory. Each takes some twenty megabytes, so that calls for further adapters wait for a lane to fall idle;
 * more lanes than these are no faster on two cores.
 */
const MAX_OPEN = 4;
const MAX_WAITING = 1_024;
const KEPT_TIMES = 1_000;
const BATCH_TOKENS = 128;
// More threads than one make a model this small slower by orders of magnitude: they wait for each other.
const THREADS = 1;
const CLOSE_CHECK_MS = 20;
/** What a new lane reads before anybody's words; forgotten before the first call. */
const FIRST_TEXT = ' ';

/**
 * LoRA belongs to a llama.cpp context, so each active adapter has its own over the one base in memory, and
 * adapters cannot mix. The least recently used idle context is closed when a further one is needed; when all are
 * busy, whoever needs a further one waits for its turn, so that memory is bounded however many adapters are called.
 */
export function makeLanes(model: LlamaModel, contextTokens: number): Lanes {
  const lanes = new Map<string, Promise<Lane>>();
  /** Calls that use a lane or wait for it; a lane with none may be closed. */
  const users = new Map<string, number>();
  let waiting = 0;

  /** Those who wait for a place among the open lanes, the first of them first. */
  const queue: (() => void)[] = [];
  let places = MAX_OPEN;
  const openMs: number[] = [];
  let opened = 0;

  const firstTokens = model.tokenize(FIRST_TEXT).slice(0, 1);
  let last: Promise<unknown> = Promise.resolve();
  /** One at a time: llama.cpp keeps a model's adapters in a set that it changes and walks without a lock. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };

  const open = async (adapterPath: string | null): Promise<Lane> => {
    let startedMs = 0;
    const { context, first } = await alone(async () => {
      startedMs = performance.now();
      const context = await model.createContext({
        contextSize: contextTokens,
        sequences: SEQUENCES,
        batchSize: BATCH_TOKENS,
        threads: THREADS,
        ...(adapterPath === null ? {} : { lora: adapterPath }),
      });
      const first = context.getSequence();
      // The first evaluation with an adapter walks the set, and would crash while another lane changes it.
      if (adapterPath !== null) await first.evaluateWithoutGeneratingNewTokens(firstTokens);
      return { context, first };
    });
    const others = Array.from({ length: SEQUENCES - 1 }, () => context.getSequence());
    const free = [first, ...others];
    opened += 1;
    openMs.push(performance.now() - startedMs);
    if (openMs.length > KEPT_TIMES) openMs.shift();
    return { context, free, waiting: [] };
  };

  const dispose = async (key: string): Promise<void> => {
    const lane = lanes.get(key);
    lanes.delete(key);
    try {
      const opened = await lane;
      await alone(async () => {
        await opened?.context.dispose();
        // Not when somebody opens it again meanwhile: the new context may have the same copy.
        if (key !== '' && !lanes.has(key)) await unloadLora(model, key);
      });
    } finally {
      freePlace();
    }
  };

  const freePlace = (): void => {
    places += 1;
    queue.shift()?.();
  };

  const idleLane = (): string | undefined => [...lanes.keys()].find((key) => (users.get(key) ?? 0) === 0);

  const turn = async (enqueue: 'push' | 'unshift'): Promise<void> => {
    if (waiting >= MAX_WAITING) throw new EngineOverloaded('too many calls are waiting for the model');
    waiting += 1;
    await new Promise<void>((resolve) => queue[enqueue](resolve));
    waiting -= 1;
  };

  /** Takes a place for one more lane: a free one, that of the least recently used idle lane, or the next that is left. */
  const takePlace = async (): Promise<void> => {
    // One who was woken in vain is the first of the queue again.
    for (let enqueue: 'push' | 'unshift' = 'push'; places === 0; ) {
      const idle = idleLane();
      if (idle !== undefined) {
        await dispose(idle);
        continue;
      }
      await turn(enqueue);
      enqueue = 'unshift';
    }
    places -= 1;
  };

  const laneOf = async (adapterPath: string | null): Promise<Lane> => {
    const key = adapterPath ?? '';
    const known = lanes.get(key);
    if (known !== undefined) {
      lanes.delete(key);
      lanes.set(key, known); // the most recently used stands last
      return known;
    }
    const opening = takePlace().then(() =>
      open(adapterPath).catch((error: unknown) => {
        freePlace();
        throw error;
      }),
    );
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

  const idle = async (adapterPath: string | null): Promise<void> => {
    while ((users.get(adapterPath ?? '') ?? 0) > 0)
      await new Promise((resolve) => setTimeout(resolve, CLOSE_CHECK_MS));
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
        else {
          users.delete(key);
          queue.shift()?.(); // its lane has fallen idle: whoever waits may have its place
        }
      }
    },
    idle,
    close: async (adapterPath) => {
      await idle(adapterPath);
      if (lanes.has(adapterPath)) await dispose(adapterPath);
    },
    stats: () => ({
      open: MAX_OPEN - places,
      users: [...users.values()].reduce((a, b) => a + b, 0),
      opened,
      openMs,
    }),
  };
}
