import type { Engine, EngineChunk, EngineRefused, EngineRequest } from '#core/inference/ports.ts';
import { EngineBroken } from '#core/inference/ports.ts';
import { err, ok } from '#core/shared/result.ts';

/** One step of a scripted answer: a chunk, a wait until the client is gone, or a break of the stream. */
export type ScriptStep = EngineChunk | 'break' | 'hang';

export type ScriptedEngine = Engine & {
  /** What it was asked, in order. */
  readonly requests: EngineRequest[];
  /** Resolves when an answer has come to its first `hang`. */
  readonly hanging: Promise<void>;
  /** What the next calls answer: a script, or a refusal. */
  answer: (request: EngineRequest) => readonly ScriptStep[] | EngineRefused;
};

const choice = (index: number, delta: Record<string, unknown>, finishReason: string | null = null) => ({
  index,
  delta,
  finishReason,
});

export const textChunk = (content: string, adapter: string | null = 'adp_one', index = 0): EngineChunk => ({
  adapter,
  choices: [choice(index, { content })],
  usage: null,
});
export const finishChunk = (
  finishReason = 'stop',
  adapter: string | null = 'adp_one',
  index = 0,
): EngineChunk => ({
  adapter,
  choices: [choice(index, {}, finishReason)],
  usage: null,
});
export const usageChunk = (
  promptTokens: number,
  completionTokens: number,
  adapter: string | null = 'adp_one',
): EngineChunk => ({ adapter, choices: [], usage: { promptTokens, completionTokens } });

/** The words, a token each, as an engine streams them. */
export const wordsAnswer = (words: readonly string[], promptTokens = 3): readonly ScriptStep[] => [
  { adapter: 'adp_one', choices: [choice(0, { role: 'assistant', content: '' })], usage: null },
  ...words.map((word) => textChunk(word)),
  finishChunk(),
  usageChunk(promptTokens, words.length),
];

/**
 * An engine that plays a script. It stands in for a model where a test needs an exact answer or an exact failure;
 * everything around it in these tests is real.
 */
export function scriptedEngine(): ScriptedEngine {
  const requests: EngineRequest[] = [];
  const hang = Promise.withResolvers<void>();
  const engine: ScriptedEngine = {
    requests,
    hanging: hang.promise,
    answer: () => wordsAnswer(['Hello', ' there']),
    generate: async (request) => {
      requests.push(request);
      const answer = engine.answer(request);
      return 'code' in answer ? err(answer) : ok(play(answer, request.signal, hang.resolve));
    },
  };
  return engine;
}

async function* play(
  script: readonly ScriptStep[],
  signal: AbortSignal,
  onHang: () => void,
): AsyncGenerator<EngineChunk> {
  for (const step of script) {
    await new Promise((resolve) => setImmediate(resolve));
    if (step === 'hang') {
      onHang();
      await aborted(signal);
    }
    if (signal.aborted) throw new EngineBroken('the call was aborted');
    if (step === 'break') throw new EngineBroken('the connection was reset');
    if (step !== 'hang') yield step;
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
