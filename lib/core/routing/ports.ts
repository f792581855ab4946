import type { AdapterUse } from '#core/adapters/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { AuditRecord, PageRequest } from '#core/tenants/ports.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { CountedVersion, ModelVersion, RolloutAction, ShadowCall, VersionShare } from './types.ts';

/** One change of a model's rollout: who, why, and what answers since. */
export type RolloutRecord = {
  readonly tenantId: TenantId;
  readonly alias: string;
  readonly revision: number;
  readonly atMs: number;
  readonly action: RolloutAction;
  readonly actor: string;
  readonly reason: string;
  readonly stable: ModelVersion;
  readonly canary?: VersionShare;
  readonly shadow?: VersionShare;
};

/** Keeps what answers each model, and every change of it. */
export type RolloutStore = {
  readonly readModel: (tenantId: TenantId, alias: string) => Promise<ModelRoute | undefined>;
  /**
   * Puts `next` in the place of `previous`, its record and its audit record with it, or nothing at all: false when
   * the model is not as `previous` says any more (changed by another, removed, made anew), or an adapter that it is
   * led to is not where `uses` says.
   */
  readonly replace: (change: {
    readonly previous: ModelRoute;
    readonly next: ModelRoute;
    readonly record: RolloutRecord;
    readonly audit: AuditRecord;
    readonly uses?: readonly AdapterUse[];
  }) => Promise<boolean>;
  /** Newest first, at most `limit` (≤ 100), of this model since it was made. */
  readonly history: (
    model: ModelRoute,
    page: PageRequest,
  ) => Promise<{ readonly records: readonly RolloutRecord[]; readonly nextCursor: string | null }>;
};

/** Takes copies of calls for their shadows. */
export type ShadowSink = { readonly send: (call: ShadowCall) => Promise<void> };

/** Keeps what versions did while they were compared. It is for looking at: nothing is charged by it. */
export type VersionBook = {
  /** Adds to what was counted before. A crash after settlement may lose a few calls, and none is counted twice. */
  readonly add: (tenantId: TenantId, alias: string, counted: CountedVersion) => Promise<void>;
  /** Adds a shadow's call, once however often it is delivered. */
  readonly addShadow: (call: ShadowCall, counted: CountedVersion) => Promise<void>;
  /** By day, from the first to the last, both included. */
  readonly read: (
    tenantId: TenantId,
    alias: string,
    days: { readonly from: string; readonly to: string },
  ) => Promise<readonly CountedVersion[]>;
};
