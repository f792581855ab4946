import type { EngineChunk, InferencePorts } from '#core/inference/ports.ts';
import { bookInForce } from '#core/pricing/priceBooks.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import { type ChatParts, hasContent } from './calls.ts';

/** What a call goes through, in order. */
export const PARTS = ['authenticate', 'count tokens', 'hold', 'engine: first token', 'usage event'] as const;
export type Part = (typeof PARTS)[number];

/** The chat function's ports with a stop watch at each: `times` grows with every call. */
export function watchParts(parts: ChatParts) {
  const times: Record<Part, number[]> = {
    authenticate: [],
    'count tokens': [],
    hold: [],
    'engine: first token': [],
    'usage event': [],
  };
  const watch =
    <Args extends readonly unknown[], T>(part: Part, work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const startedMs = performance.now();
      const value = await work(...args);
      times[part].push(performance.now() - startedMs);
      return value;
    };
  const { ports } = parts;
  const watched: InferencePorts = {
    ...ports,
    authenticate: watch('authenticate', ports.authenticate),
    tokens: {
      countChat: watch('count tokens', ports.tokens.countChat),
      countText: watch('count tokens', ports.tokens.countText),
    },
    ledger: { ...ports.ledger, placeHold: watch('hold', ports.ledger.placeHold) },
    engine: {
      generate: async (request) => {
        const startedMs = performance.now();
        const generated = await ports.engine.generate(request);
        if (!generated.ok) return generated;
        const told = () => times['engine: first token'].push(performance.now() - startedMs);
        return { ok: true, value: tellFirst(generated.value, told) };
      },
    },
    usage: { send: watch('usage event', ports.usage.send) },
  };
  return { parts: { ...parts, ports: watched }, times };
}

async function* tellFirst(chunks: AsyncIterable<EngineChunk>, told: () => void): AsyncGenerator<EngineChunk> {
  let first = true;
  for await (const chunk of chunks) {
    if (first && chunk.choices.some(({ delta }) => hasContent(delta['content']))) {
      told();
      first = false;
    }
    yield chunk;
  }
}

/** The quote is pure arithmetic, too short for one stop watch: timed by the thousand, in milliseconds each. */
export async function timeQuote({ ports }: ChatParts): Promise<readonly number[]> {
  const books = await ports.priceBooks.current();
  const RUNS = 1_000;
  const times: number[] = [];
  for (let batch = 0; batch < 20; batch += 1) {
    const startedMs = performance.now();
    for (let run = 0; run < RUNS; run += 1) {
      const book = bookInForce(books, {
        id: 'per-token',
        tenantId: 'ten_bench',
        atMs: Date.now(),
      });
      if (book === undefined) throw new Error('the price book per-token is not in force');
      quoteCall(
        book,
        { tenantId: 'ten_bench', model: 'bench-support', startedAtMs: Date.now() },
        { inputTokens: 40 + run, outputTokens: 8 },
      );
    }
    times.push((performance.now() - startedMs) / RUNS);
  }
  return times;
}

/** An engine that answers at once: what is left of a call is the chat path alone. */
export const instantEngine = (parts: ChatParts): ChatParts => ({
  ...parts,
  ports: {
    ...parts.ports,
    engine: {
      generate: async ({ expectedAdapter }) => ({ ok: true, value: instantAnswer(expectedAdapter) }),
    },
  },
});

async function* instantAnswer(adapter: string | null): AsyncGenerator<EngineChunk> {
  const chunk = (content: string, finishReason: string | null) => ({
    adapter,
    choices: [{ index: 0, delta: { content }, finishReason }],
    usage: { promptTokens: 40, completionTokens: 1 },
  });
  yield chunk('Tomorrow.', null);
  yield chunk('', 'stop');
}
