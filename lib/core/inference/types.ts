import type { LimitStatus } from '#core/limits/types.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { Suspension } from '#core/tenants/types.ts';

/** A tool call of an assistant, as OpenAI writes it. `arguments` is JSON text. */
export type ToolCall = {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};

/** A message as the engine gets it: text parts are joined, `developer` has become `system`. */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string; readonly name?: string }
  | {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly name?: string;
      readonly tool_calls?: readonly ToolCall[];
    }
  | { readonly role: 'tool'; readonly content: string; readonly tool_call_id: string };

export type Tool = {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
    readonly strict?: boolean | null | undefined;
  };
};

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name: string;
        readonly description?: string | undefined;
        readonly schema?: Readonly<Record<string, unknown>> | undefined;
        readonly strict?: boolean | null | undefined;
      };
    };

export type Prompt =
  | {
      readonly kind: 'chat';
      readonly messages: readonly ChatMessage[];
      readonly tools?: readonly Tool[];
      readonly toolChoice?: ToolChoice;
      readonly responseFormat?: ResponseFormat;
    }
  | { readonly kind: 'text'; readonly text: string };

/** A request of a client, read and checked. Nothing of the client's body exists beyond these fields. */
export type InferenceRequest = {
  readonly operation: UsageEvent['operation'];
  /** The alias that the client asked for. */
  readonly model: string;
  readonly prompt: Prompt;
  /** The most tokens of one choice; null: the base model's default. */
  readonly maxTokens: number | null;
  /** OpenAI's `n`. */
  readonly choices: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly user: string | null;
};

export type TokenUsage = { readonly inputTokens: number; readonly outputTokens: number };

/** What a call cost and what answered it. `balanceMicro` is what was available right after the call, as the call saw it. */
export type Receipt = {
  readonly costMicro: MicroCredits;
  readonly balanceMicro: MicroCredits;
  readonly adapter: string | null;
};

export type FinishedChoice = {
  readonly index: number;
  readonly content: string | null;
  readonly toolCalls: readonly ToolCall[];
  /** Null: the engine broke before this choice was complete. */
  readonly finishReason: string | null;
};

/** A whole answer: what a plain call sends, and what is kept under an idempotency key. */
export type Completion = {
  readonly id: string;
  readonly createdSec: number;
  readonly operation: UsageEvent['operation'];
  readonly model: string;
  readonly choices: readonly FinishedChoice[];
  readonly usage: TokenUsage;
  readonly receipt: Receipt;
  /** The engine broke after the first token: the choices hold what was delivered. */
  readonly broken: boolean;
};

/** A part of a tool call: the first one of an index brings `id`, `type` and the name. */
export type ToolCallDelta = {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; readonly arguments?: string };
};

/** What a delta may carry; everything else that an engine adds stays inside. */
export type Delta = {
  readonly content?: string;
  readonly toolCalls?: readonly ToolCallDelta[];
};

/** What a running call tells its caller, in order: deltas, then one of the other two. */
export type InferenceEvent =
  | { readonly kind: 'delta'; readonly index: number; readonly delta: Delta }
  | { readonly kind: 'finished'; readonly completion: Completion }
  | { readonly kind: 'broken'; readonly completion: Completion };

export type RefusalCode =
  | 'invalid_request'
  | 'unsupported_parameter'
  | 'invalid_api_key'
  | 'insufficient_scope'
  | 'model_not_found'
  | 'model_not_deployed'
  | 'prices_not_in_force'
  | 'unpriced_model'
  | 'context_length_exceeded'
  | 'insufficient_credits'
  | 'account_suspended'
  | 'rate_limit_exceeded'
  | 'spend_cap_reached'
  | 'idempotency_key_reused'
  | 'request_in_progress'
  | 'conflict'
  | 'engine_rejected'
  | 'engine_failed'
  | 'model_loading'
  | 'temporarily_unavailable';

/** Why a call is not answered. `message` is for the client: what happened and what to do next. */
export type InferenceRefused = {
  readonly code: RefusalCode;
  readonly message: string;
  readonly param: string | null;
  readonly retryAfterSeconds?: number;
  /** Why the account is suspended, when that refused. */
  readonly reason?: Suspension['because'];
  /** Where the caller's limits stand, when one of them refused. */
  readonly limits?: LimitStatus;
};
