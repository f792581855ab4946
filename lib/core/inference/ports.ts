import type { Result } from '#core/shared/result.ts';

/** A request as the engine gets it: an OpenAI body whose `model` and `adapters` were rewritten by us. */
export type EngineRequest = {
  readonly inferenceComponentName: string;
  /** The adapter's name as the engine will report it; null for the bare base. */
  readonly expectedAdapter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
};

/**
 * One parsed chunk of the engine's answer, OpenAI's `chat.completion.chunk`; both of SageMaker's streaming
 * formats (SSE and JSON lines) arrive as this. `adapter` is what the engine says answered.
 */
export type EngineChunk = {
  readonly adapter: string | null;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: Readonly<Record<string, unknown>>;
    readonly finishReason: string | null;
    readonly logprobs?: unknown;
  }[];
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
};

export type EngineRefused =
  | { readonly code: 'model_loading'; readonly retryAfterSeconds: number }
  | { readonly code: 'engine_rejected'; readonly message: string; readonly param: string | null }
  | { readonly code: 'engine_failed'; readonly message: string };

/**
 * Runs a model. A refusal before the first chunk is a value; a failure after it is thrown by the iterator as
 * `EngineBroken`. Aborting the signal stops the generation as soon as the engine allows.
 */
export type Engine = {
  readonly generate: (request: EngineRequest) => Promise<Result<AsyncIterable<EngineChunk>, EngineRefused>>;
};

/** Thrown by an engine's stream that breaks after it began. */
export class EngineBroken extends Error {
  override readonly name = 'EngineBroken';
}

/** Counts tokens as the base model's own tokenizer and chat template do. Source: the tokenizers layer. */
export type TokenCounter = {
  readonly countChat: (
    baseModel: string,
    messages: readonly unknown[],
    tools: readonly unknown[] | undefined,
  ) => Promise<number>;
  readonly countText: (baseModel: string, text: string) => Promise<number>;
};
