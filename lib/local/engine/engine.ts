import { randomInt } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  getLlama,
  type LlamaContextSequence,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { PromptPiece } from '#io/chatPrompt.ts';
import { ensureBaseGguf } from './baseGguf.ts';
import type { BaseModel } from './baseModel.ts';
import { jsonGrammar, schemaGrammar } from './jsonSchema.ts';
import { type Lanes, makeLanes } from './lanes.ts';
import { type AnswerFormat, type GenerationRequest, type RequestRefused, wrapSeed } from './parameters.ts';
import { makeTextStream } from './textStream.ts';

export type FinishReason = 'stop' | 'length';

/** What one choice of an answer tells, in order: deltas, then how it ended. Token counts are of this choice so far. */
export type ChoiceEvent =
  | { readonly kind: 'delta'; readonly index: number; readonly text: string; readonly tokens: number }
  | { readonly kind: 'end'; readonly index: number; readonly reason: FinishReason; readonly tokens: number };

/** A generation that may start: the prompt is counted and everything asked for can be honoured. */
export type Generation = {
  readonly promptTokens: number;
  /** Runs every choice; `emit` is called in each choice's order. Rejects with the signal's reason when aborted. */
  readonly run: (emit: (event: ChoiceEvent) => void, signal: AbortSignal) => Promise<void>;
};

export type LocalEngine = {
  readonly base: BaseModel;
  /** Errors: context_length_exceeded, invalid_request (a schema that cannot become a grammar). */
  readonly prepare: (
    adapterPath: string | null,
    request: GenerationRequest,
  ) => Promise<Result<Generation, RequestRefused>>;
  readonly tokenize: (prompt: readonly PromptPiece[]) => readonly number[];
  readonly lanes: Lanes;
  readonly close: () => Promise<void>;
};

const MAX_GRAMMARS = 32;
const MAX_RANDOM_SEED = 2 ** 32 - 1;

/** Loads a base model into llama.cpp. Throws one line when this platform has no binary. */
export async function openEngine(base: BaseModel, cacheDirectory: string): Promise<LocalEngine> {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
  });
  const model = await llama.loadModel({ modelPath: ensureBaseGguf(base, cacheDirectory), gpuLayers: 0 });
  const contextTokens = base.config.max_position_embeddings;
  const lanes = makeLanes(model, contextTokens);
  const grammars = new LRUCache<string, Promise<LlamaGrammar>>({ max: MAX_GRAMMARS });

  const grammarFor = (format: AnswerFormat): Promise<LlamaGrammar> | undefined => {
    if (format.kind === 'text') return undefined;
    const key = JSON.stringify(format);
    const known = grammars.get(key);
    if (known !== undefined) return known;
    const made = format.kind === 'json' ? jsonGrammar(llama) : schemaGrammar(llama, format.schema);
    grammars.set(key, made);
    return made;
  };

  const tokenize = (prompt: readonly PromptPiece[]): Token[] =>
    prompt.flatMap((piece) => pieceTokens(base, model, piece));

  const prepare: LocalEngine['prepare'] = async (adapterPath, request) => {
    const tokens = tokenize(request.prompt);
    const room = contextTokens - tokens.length;
    if (tokens.length === 0 || room < 1 || (request.maxTokens ?? 1) > room)
      return err(tooLong(tokens.length, request, contextTokens));
    let grammar: LlamaGrammar | undefined;
    try {
      grammar = await grammarFor(request.format);
    } catch {
      const message =
        'response_format.json_schema.schema cannot be turned into a grammar by the local engine.';
      return err({ code: 'invalid_request', message, param: 'response_format' });
    }
    const seed = request.seed ?? randomInt(MAX_RANDOM_SEED);
    const maxTokens = request.maxTokens ?? room;
    return ok({
      promptTokens: tokens.length,
      run: async (emit, signal) => {
        const failed = new AbortController();
        const either = AbortSignal.any([signal, failed.signal]);
        const choices = Array.from({ length: request.choices }, (_, index) =>
          lanes
            .withSequence(adapterPath, either, (sequence) =>
              generateChoice({
                model,
                sequence,
                tokens,
                request,
                maxTokens,
                grammar,
                seed: wrapSeed(seed + index),
                index,
                emit,
                signal: either,
              }),
            )
            .catch((error: unknown) => {
              failed.abort(error); // one choice that fails ends its siblings
              throw error;
            }),
        );
        const settled = await Promise.allSettled(choices); // none may go on when the answer is over
        const broken = settled.find((choice) => choice.status === 'rejected');
        if (broken !== undefined) throw broken.reason;
      },
    });
  };

  return { base, prepare, tokenize, lanes, close: () => llama.dispose() };
}

/** Special tokens come by id; llama.cpp reads all the rest as plain text, so that no client can write a control token. */
function pieceTokens(base: BaseModel, model: LlamaModel, piece: PromptPiece): readonly Token[] {
  if (piece.kind === 'text') return model.tokenize(piece.text, false);
  const id = base.specialTokens.get(piece.token);
  if (id === undefined) throw new Error(`the chat template names an unknown special token ${piece.token}`);
  // The library brands token ids and offers no other way to make one.
  return [id as Token];
}

async function generateChoice(options: {
  readonly model: LlamaModel;
  readonly sequence: LlamaContextSequence;
  readonly tokens: Token[];
  readonly request: GenerationRequest;
  readonly maxTokens: number;
  readonly grammar: LlamaGrammar | undefined;
  readonly seed: number;
  readonly index: number;
  readonly emit: (event: ChoiceEvent) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { model, sequence, tokens, request, maxTokens, grammar, seed, index, emit, signal } = options;
  const stream = makeTextStream(request.stop);
  const generated: Token[] = [];
  let reason: FinishReason = 'stop';
  let text = '';
  const evaluation = sequence.evaluate(tokens, {
    temperature: request.topP === 0 ? 0 : request.temperature,
    topP: request.topP,
    topK: 0, // off: only what the caller asked for narrows the choice
    minP: 0,
    seed,
    ...(grammar === undefined
      ? {}
      : { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) }),
  });
  for await (const token of evaluation) {
    signal.throwIfAborted();
    generated.push(token);
    text = model.detokenize(generated);
    const step = stream.advance(text);
    if (step.delta !== '') emit({ kind: 'delta', index, text: step.delta, tokens: generated.length });
    if (step.stopped) return emit({ kind: 'end', index, reason: 'stop', tokens: generated.length });
    if (generated.length >= maxTokens) {
      reason = 'length';
      break;
    }
  }
  signal.throwIfAborted();
  const rest = stream.flush(text);
  if (rest !== '') emit({ kind: 'delta', index, text: rest, tokens: generated.length });
  emit({ kind: 'end', index, reason, tokens: generated.length });
}

function tooLong(promptTokens: number, request: GenerationRequest, contextTokens: number): RequestRefused {
  if (promptTokens === 0)
    return { code: 'invalid_request', message: 'The prompt is empty.', param: 'prompt' };
  const param = request.operation === 'chat.completion' ? 'messages' : 'prompt';
  const wanted = request.maxTokens === null ? '' : ` and ${request.maxTokens} are asked for as output`;
  return {
    code: 'context_length_exceeded',
    message: `This model's context is ${contextTokens} tokens; the prompt has ${promptTokens}${wanted}.`,
    param,
  };
}
