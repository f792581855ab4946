import type { AdapterUse } from '#core/adapters/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { WatchSettings } from '#core/watch/watchRules.ts';
import type { ApiKey, ModelRoute, Reprieve, Suspension, Tenant } from './types.ts';

/** Everything that a call's authorization and routing need to know of a key, in one answer. */
export type Caller = {
  readonly key: ApiKey;
  readonly tenant: Tenant;
  readonly models: readonly ModelRoute[];
};

/**
 * Finds the caller behind a key. The chat function uses a cached one: entries live at most `maxAgeMs` and are
 * refreshed behind the call's back; a stopped key is caught by the hold's own condition.
 */
export type CallerDirectory = { readonly find: (keyId: KeyId) => Promise<Caller | undefined> };

/** A directory that remembers callers. */
export type CallerCache = CallerDirectory & {
  /** The caller as the directory knows it now; what is asked at once is read once. */
  readonly renew: (keyId: KeyId) => Promise<Caller | undefined>;
};

/** One thing that the agency did, and why. Appended with the change itself, never edited. */
export type AuditRecord = {
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly tenantId: TenantId | null;
  readonly reason: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
};

/**
 * What may change of a tenant. Fields that are absent stay, so that two writers of different fields do not collide;
 * null takes a field away.
 */
export type TenantChange = Partial<
  Pick<Tenant, 'name' | 'status' | 'priceBookId' | 'dodoCustomerId' | 'timeZone' | 'freeMonthlyMicro'> & {
    readonly suspension: Suspension | null;
    readonly reprieve: Reprieve | null;
    readonly endpoint: string | null;
    readonly watch: WatchSettings;
    readonly noticeEmail: string | null;
    readonly noticeWebhookUrl: string | null;
  }
>;

/** A new key in place of another, which works on until `expiresAtMs`. */
export type KeyRotation = {
  readonly replaced: KeyId;
  readonly expiresAtMs: number;
  readonly replacement: ApiKey;
};

export type PageRequest = { readonly limit: number; readonly cursor?: string };

/**
 * Tenants, their keys and their models. A write and its audit record are one transaction. A write that does not
 * apply (`false` or undefined: the thing is missing, or exists already) leaves no record either.
 */
export type Directory = CallerDirectory & {
  readonly createTenant: (tenant: Tenant, audit: AuditRecord) => Promise<boolean>;
  readonly readTenant: (id: TenantId) => Promise<Tenant | undefined>;
  readonly updateTenant: (
    id: TenantId,
    change: TenantChange,
    audit: AuditRecord,
  ) => Promise<Tenant | undefined>;
  /** Oldest first, at most `limit` (≤ 100). A tenant made a moment ago may be missing. */
  readonly listTenants: (page: PageRequest) => Promise<{
    readonly tenants: readonly Tenant[];
    readonly nextCursor: string | null;
  }>;

  readonly createKey: (key: ApiKey, audit: AuditRecord) => Promise<boolean>;
  readonly readKey: (id: KeyId) => Promise<ApiKey | undefined>;
  /** False when the key is missing, revoked or replaced already. */
  readonly rotateKey: (rotation: KeyRotation, audit: AuditRecord) => Promise<boolean>;
  /** False when the key is missing or revoked already. */
  readonly revokeKey: (id: KeyId, atMs: number, audit: AuditRecord) => Promise<boolean>;
  /** Oldest first, at most `limit` (≤ 100); what has ended stays. A key made a moment ago may be missing. */
  readonly listKeys: (
    tenantId: TenantId,
    page: PageRequest,
  ) => Promise<{ readonly keys: readonly ApiKey[]; readonly nextCursor: string | null }>;

  /** False when the tenant is missing, the name is taken, or the adapter is not where `use` says. */
  readonly createModel: (model: ModelRoute, audit: AuditRecord, use?: AdapterUse | null) => Promise<boolean>;
  readonly removeModel: (tenantId: TenantId, alias: string, audit: AuditRecord) => Promise<boolean>;
  readonly listModels: (tenantId: TenantId) => Promise<readonly ModelRoute[]>;

  /** Newest first, at most `limit` (≤ 100), of one tenant or of all. */
  readonly listAudit: (page: PageRequest & { readonly tenantId?: TenantId }) => Promise<{
    readonly records: readonly AuditRecord[];
    readonly nextCursor: string | null;
  }>;
  readonly appendAudit: (audit: AuditRecord) => Promise<void>;
};
