import * as z from 'zod/mini';
import { EngineBroken, type EngineChunk } from '#core/inference/ports.ts';

/** A chunk and the name that the engine gives to what answers. */
export type ReadChunk = { readonly model: string | null; readonly chunk: Omit<EngineChunk, 'adapter'> };

/** A line longer than this is no chunk of an answer. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

const tokens = z.int().check(z.nonnegative());
const Chunk = z.object({
  model: z.nullish(z.string()),
  choices: z._default(
    z.array(
      z.object({
        index: z.int().check(z.nonnegative()),
        delta: z.nullish(z.record(z.string(), z.unknown())),
        /** The whole answer at once: some servers know no streams. */
        message: z.nullish(z.record(z.string(), z.unknown())),
        text: z.nullish(z.string()),
        finish_reason: z.nullish(z.string()),
        logprobs: z.optional(z.unknown()),
      }),
    ),
    [],
  ),
  usage: z.nullish(z.object({ prompt_tokens: tokens, completion_tokens: z.nullish(tokens) })),
});
/** Some servers say `"error": null` in every chunk. */
const Failure = z.object({ error: z.union([z.string(), z.looseObject({})]) });
/** vLLM answers 200 before it has read a grammar, and says what is wrong with it, and as which status, in the stream. */
const StatedFailure = z.object({ error: z.object({ code: z.int() }) });

/** An error that the engine sent where a chunk belongs. */
export class EngineComplaint extends EngineBroken {
  /** The HTTP status that it would have answered; null where it does not say. */
  readonly status: number | null;
  /** The error as JSON. */
  readonly text: string;
  constructor(status: number | null, text: string) {
    super('the engine sent an error in mid-stream');
    this.status = status;
    this.text = text;
  }
}

/**
 * Reads an answer's chunks out of payload parts, which may be cut anywhere. Both of SageMaker's streaming formats
 * are taken: server-sent events (vLLM) and JSON lines (LMI). Usage is a running total over all choices.
 * Throws EngineBroken for what is neither, and for an error that the engine sends in mid-stream.
 */
export async function* readChunks(parts: AsyncIterable<Uint8Array>): AsyncGenerator<ReadChunk> {
  const usage = makeRunningUsage();
  for await (const line of lines(parts)) {
    const text = line.startsWith('data:') ? line.slice('data:'.length).trim() : line.trim();
    if (text === '' || text === '[DONE]' || text.startsWith(':') || /^(event|id|retry):/u.test(text))
      continue;
    yield readChunk(parseJson(text), usage);
  }
}

function readChunk(value: unknown, usage: ReturnType<typeof makeRunningUsage>): ReadChunk {
  if (z.safeParse(Failure, value).success) {
    const status = z.safeParse(StatedFailure, value).data?.error.code ?? null;
    throw new EngineComplaint(status, JSON.stringify(value));
  }
  const parsed = z.safeParse(Chunk, value);
  if (!parsed.success) throw new EngineBroken('the engine sent something that is not a chunk');
  const { model, choices } = parsed.data;
  return {
    model: model ?? null,
    chunk: {
      choices: choices.map(({ index, delta, message, text, finish_reason, logprobs }) => ({
        index,
        delta: delta ?? message ?? (typeof text === 'string' ? { text } : {}),
        finishReason: finish_reason || null, // some servers say '' until the end
        ...(logprobs === undefined || logprobs === null ? {} : { logprobs }),
      })),
      usage: usage.add(parsed.data),
    },
  };
}

/** vLLM's running usage counts the one choice of its chunk; the closing chunk, which has no choice, counts all. */
function makeRunningUsage() {
  const perChoice = new Map<number, number>();
  return {
    add: ({ choices, usage }: z.infer<typeof Chunk>): EngineChunk['usage'] => {
      if (usage === undefined || usage === null) return null;
      const [only, ...others] = choices;
      const completion = usage.completion_tokens ?? 0;
      if (only === undefined || others.length > 0) {
        return { promptTokens: usage.prompt_tokens, completionTokens: completion };
      }
      perChoice.set(only.index, completion);
      const total = [...perChoice.values()].reduce((sum, count) => sum + count, 0);
      return { promptTokens: usage.prompt_tokens, completionTokens: total };
    },
  };
}

async function* lines(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of parts) {
    rest += decoder.decode(part, { stream: true });
    if (rest.length > MAX_LINE_BYTES) throw new EngineBroken('the engine sent a line without end');
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    yield* complete;
  }
  yield rest + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
