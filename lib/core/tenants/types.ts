import type { ModelVersion, Rollout } from '#core/routing/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { WatchSettings } from '#core/watch/watchRules.ts';

/** Why an account may place no holds, and since when. `agency`: a person decided it, and only a person ends it. */
export type Suspension = {
  readonly because: (typeof SUSPENDED_BECAUSE)[number];
  readonly sinceMs: number;
};
/**
 * The agency lets a tenant call although its subscription is unpaid: for one failed payment, named by its episode, and
 * until a moment, or until the next payment that fails.
 */
export type Reprieve = { readonly episode: string; readonly untilMs: number | null };

export const SUSPENDED_BECAUSE = ['agency', 'payment_overdue'] as const;

export type Tenant = {
  readonly id: TenantId;
  readonly name: string;
  readonly status: 'active' | 'suspended' | 'closed';
  /** Which price book rates this tenant's calls. */
  readonly priceBookId: string;
  readonly createdAtMs: number;
  readonly dodoCustomerId?: string;
  /** Absent unless suspended, or about to be. */
  readonly suspension?: Suspension;
  /** What keeps dunning from suspending it; absent: nothing does. */
  readonly reprieve?: Reprieve;
  /** IANA name of the zone in which the tenant's months begin; absent: UTC. */
  readonly timeZone?: string;
  /** Free credits that each of its months brings; absent or 0: none. */
  readonly freeMonthlyMicro?: MicroCredits;
  /** The endpoint that its adapters are deployed on, by its short name; absent: the shared one. */
  readonly endpoint?: string;
  /** What counts as unusual use of its keys, where it is not what does by itself. */
  readonly watch?: WatchSettings;
  /** Where notices to the tenant go. */
  readonly noticeEmail?: string;
  readonly noticeWebhookUrl?: string;
};

export const SCOPES = ['chat', 'models', 'files', 'fine_tuning', 'feedback', 'credits', 'usage'] as const;
export type Scope = (typeof SCOPES)[number];

/** What is stored of an API key: never its text. */
export type ApiKey = {
  readonly id: KeyId;
  readonly tenantId: TenantId;
  readonly name: string;
  /** SHA-256 of the key's whole text, hex. The text carries 190 bits of randomness, so no salt or stretching is needed. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  /** From this moment the key is refused: set at creation, or by a rotation's grace period. */
  readonly expiresAtMs?: number;
  readonly revokedAtMs?: number;
  /** The key that a rotation put in this one's place; until `expiresAtMs` both work. */
  readonly replacedBy?: KeyId;
};

/** A model name of one tenant and what answers it: the stable version, and the rollout of another one. */
export type ModelRoute = ModelVersion & {
  readonly tenantId: TenantId;
  /** What the client writes as `model`. Unique within the tenant. */
  readonly alias: string;
  readonly createdAtMs: number;
  /** Absent: the version that the model was made with still answers every call. */
  readonly rollout?: Rollout;
};
