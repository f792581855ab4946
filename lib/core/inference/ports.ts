import type { Ledger } from '#core/ledger/ports.ts';
import type { UsageSink } from '#core/metering/ports.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { PriceBookSource } from '#core/pricing/ports.ts';
import type { ShadowSink } from '#core/routing/ports.ts';
import type { EnginePlace } from '#core/routing/types.ts';
import type { RequestId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { Caller } from '#core/tenants/ports.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { Completion } from './types.ts';

/** A request as the engine gets it: an OpenAI body whose `model` and `adapters` were rewritten by us. */
export type EngineRequest = {
  /** Whose call it is: what one tenant's calls break is not held against another's. */
  readonly tenantId: TenantId;
  readonly inferenceComponentName: string;
  /** Absent: the SageMaker endpoint that all tenants share. */
  readonly engine?: EnginePlace;
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
  /** Running totals over all choices; the last that came counts. Engines give it in every chunk or only at the end. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
};

export type EngineRefused =
  | { readonly code: 'model_loading'; readonly retryAfterSeconds: number }
  /** It failed several times in a row, and is not called for a while. */
  | { readonly code: 'engine_resting'; readonly retryAfterSeconds: number }
  /** It lives, and has more calls than it takes now. */
  | { readonly code: 'engine_busy'; readonly retryAfterSeconds: number }
  | { readonly code: 'engine_rejected'; readonly message: string; readonly param: string | null }
  /** `isFinal`: it was asked and said no; the same call at once would end the same way. */
  | { readonly code: 'engine_failed'; readonly message: string; readonly isFinal?: true };

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

/** Thrown by a token counter for messages that the model's chat template cannot express: the client's to mend. */
export class PromptNotExpressible extends Error {
  override readonly name = 'PromptNotExpressible';
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

/** A claim on an idempotency key: the first call with it runs, the others learn what became of the first. */
export type IdempotencyClaim = {
  readonly tenantId: TenantId;
  /** The header's text; stored only as a hash. */
  readonly key: string;
  /** The request as text; stored only as a hash, to tell a repeat from another request under the same key. */
  readonly fingerprint: string;
  readonly requestId: RequestId;
  readonly nowMs: number;
  /** When a claim whose call never ended is free again: the expiry of its hold. */
  readonly freedAtMs: number;
};

export type IdempotencyRefused =
  | { readonly code: 'idempotency_key_reused' }
  | { readonly code: 'answer_not_kept' }
  | { readonly code: 'request_in_progress'; readonly retryAfterSeconds: number };

/** First answers, kept for 24 hours. What was charged is remembered; what was free is not. */
export type IdempotencyStore = {
  /** Claims the key for this request, or returns the first answer under it. */
  readonly claim: (
    claim: IdempotencyClaim,
  ) => Promise<
    Result<
      { readonly kind: 'claimed' } | { readonly kind: 'answered'; readonly completion: Completion },
      IdempotencyRefused
    >
  >;
  /** Keeps the answer under a claim of this request. `too_large`: the key is spent, but a repeat is refused. */
  readonly remember: (
    claim: IdempotencyClaim,
    completion: Completion,
  ) => Promise<'remembered' | 'too_large' | 'lost_claim'>;
  /** Gives a claim of this request back, as if it had never been made. */
  readonly release: (claim: IdempotencyClaim) => Promise<void>;
};

/** Where a call reports what nobody outside may read. Never given a prompt, an answer or a key. */
export type InferenceLog = {
  readonly warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** A usage event that could not be queued: kept whole, so that it can be sent again. */
  readonly unsentUsage: (event: UsageEvent, error: unknown) => void;
};

/** Everything that a call touches beyond itself. */
export type InferencePorts = {
  readonly world: World;
  /** Whose key an `Authorization` header carries; undefined when nobody's, or no longer. */
  readonly authenticate: (authorization: string | undefined, nowMs: number) => Promise<Caller | undefined>;
  /** The caller's models as they are now: asked when a call names one that the caller is not known to have. */
  readonly readModels: (caller: Caller) => Promise<readonly ModelRoute[]>;
  /** A hash of the network that an address is in, for whoever watches for unusual use (see lib/core/watch). */
  readonly networkOf: (
    address: string | undefined,
    tenantId: TenantId,
    nowMs: number,
  ) => Promise<string | undefined>;
  readonly priceBooks: Pick<PriceBookSource, 'current'>;
  readonly tokens: TokenCounter;
  readonly ledger: Pick<Ledger, 'placeHold' | 'voidHold' | 'endCall'>;
  readonly engine: Engine;
  readonly usage: UsageSink;
  readonly shadows: ShadowSink;
  readonly idempotency: IdempotencyStore;
  readonly log: InferenceLog;
};
