import type { ArmOf } from '#core/pricing/types.ts';
import type { ServedBy } from '#core/routing/types.ts';
import type { HoldId, KeyId, RequestId, TenantId, UsageEventId } from '#core/shared/ids.ts';

/** How a metered call ended. Only `engine_failed` before the first token is free; the rest is charged for what was delivered. */
export type UsageStatus = 'succeeded' | 'client_closed' | 'engine_failed';

/** What was done. Of `fine_tuning` the input tokens are those that were trained, every epoch counted. */
export const OPERATIONS = ['chat.completion', 'text_completion', 'fine_tuning'] as const;
export type Operation = (typeof OPERATIONS)[number];

/**
 * One call, as measured by the chat function: the unit that is rated, settled and archived once.
 * Sent to the usage queue; `id` is what makes a repeat harmless.
 */
export type UsageEvent = {
  readonly id: UsageEventId;
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly requestId: RequestId;
  readonly holdId: HoldId;
  /** The alias the client asked for, e.g. `northwind-support`. */
  readonly model: string;
  /** The adapter that answered, as the engine itself said; null for a bare base model or when nothing was answered. */
  readonly adapter: string | null;
  readonly operation: Operation;
  /** OpenAI's `user` field, opaque to us. */
  readonly user: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Choices asked for (`n`); each is billed for its own output tokens, already in `outputTokens`. */
  readonly choices: number;
  readonly computeMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly status: UsageStatus;
  /** A hash of the network that the call came from, another one each day (see lib/core/watch). In no account book. */
  readonly network?: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /**
   * The version that the call was sent to, an adapter's id or a base model's, and why that one. Absent in events of
   * before models had versions.
   */
  readonly version?: string;
  readonly servedBy?: ServedBy;
  /** The rollout's revision, while versions are compared: a canary or a shadow runs. */
  readonly rollout?: number;
  /** The price book in force when the call began; the settlement rates by it and no other. */
  readonly priceBook: {
    readonly id: string;
    readonly version: number;
    /** The experiment that sent the tenant to this book, where it is an arm of one. */
    readonly armOf?: ArmOf;
  };
};
