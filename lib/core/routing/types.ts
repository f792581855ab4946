import type { AdapterId, RequestId, TenantId } from '#core/shared/ids.ts';

/** An engine of its own for a version: a SageMaker endpoint, or any server that speaks OpenAI's API. */
export type EnginePlace =
  | {
      readonly kind: 'sagemaker';
      /** A tenant's own endpoint: its name is this behind the shared one's. */
      readonly endpoint: string;
    }
  | {
      readonly kind: 'openai';
      /** The base URL, such as `https://gpu.example.com/v1`; see `parseEngineUrl`. */
      readonly url: string;
      /** What the server calls the model; absent: the adapter's id, or the base model's. */
      readonly model?: string;
      /** The name of the secret that is sent as a bearer token; absent: none is sent. */
      readonly secret?: string;
      /** How long it may be silent, before its first byte and between two. */
      readonly timeoutMs?: number;
    };

/** What can answer a model name: an adapter (or the bare base model) and where it runs. Never changed, only replaced. */
export type ModelVersion = {
  readonly baseModel: string;
  /** Null: the bare base model. */
  readonly adapterId: AdapterId | null;
  /** SageMaker's name for what to invoke; for an adapter it is unique and never reused. */
  readonly inferenceComponentName: string;
  /** Absent: the SageMaker endpoint that all tenants share. */
  readonly engine?: EnginePlace;
};

/** A version with a part of the traffic. `percent` is a whole number from 1 to 100. */
export type VersionShare = { readonly version: ModelVersion; readonly percent: number };

/** What of a model's answers is on the way from one version to another. Its stable version stands in the model route itself. */
export type Rollout = {
  /** Grows by one with every change; a change names the one that it was made from. */
  readonly revision: number;
  /** Answers this share of the users in the stable version's place. */
  readonly canary?: VersionShare;
  /** Gets a copy of this share of the calls; what it answers is compared and thrown away. */
  readonly shadow?: VersionShare;
  /** Earlier stable versions, newest first: where a rollback goes. At most `MAX_FORMER`. */
  readonly former: readonly ModelVersion[];
};

/** What answers a call: the version, and why this one. */
export type ServedBy = 'stable' | 'canary';

/** `move`: the same versions answer from another endpoint. */
export type RolloutAction = 'promote' | 'canary' | 'shadow' | 'rollback' | 'move';

/** A call as its shadow gets it: what was asked, and what the version that answered it made of it. */
export type ShadowCall = {
  readonly requestId: RequestId;
  readonly tenantId: TenantId;
  readonly alias: string;
  /** The shadow. */
  readonly version: ModelVersion;
  /** The engine's body, as for any call. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly choices: number;
  /** The answer's `answerHash`: the answer itself goes nowhere. */
  readonly answerHash: number;
};

/** What versions did, added up: of one day, model, version and way of serving. */
export type VersionCounts = {
  readonly calls: number;
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** From the engine's call to its end. */
  readonly computeMs: number;
  /** Calls that came to a first token, and what they waited for it together. */
  readonly firstTokens: number;
  readonly firstTokenMs: number;
  /** Of a shadow: calls that it answered word for word as the client was answered. */
  readonly sameAnswers: number;
};

export type CountedVersion = VersionCounts & {
  /** UTC, of the moment the calls began. */
  readonly day: string;
  readonly version: string;
  readonly servedBy: ServedBy | 'shadow';
};
