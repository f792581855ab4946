import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { ApiKey, ModelRoute, Tenant } from './types.ts';

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

/** Tenants, their keys and their models. Writes that come with an audit record are one transaction. */
export type Directory = CallerDirectory & {
  readonly createTenant: (tenant: Tenant, audit: AuditRecord) => Promise<void>;
  readonly readTenant: (id: TenantId) => Promise<Tenant | undefined>;
  readonly updateTenant: (tenant: Tenant, audit: AuditRecord) => Promise<void>;
  readonly listTenants: (page: {
    readonly limit: number;
    readonly cursor?: string;
  }) => Promise<{ readonly tenants: readonly Tenant[]; readonly nextCursor: string | null }>;
  readonly putKey: (key: ApiKey, audit: AuditRecord) => Promise<void>;
  readonly readKey: (id: KeyId) => Promise<ApiKey | undefined>;
  readonly listKeys: (tenantId: TenantId) => Promise<readonly ApiKey[]>;
  readonly putModel: (model: ModelRoute, audit: AuditRecord) => Promise<void>;
  readonly removeModel: (tenantId: TenantId, alias: string, audit: AuditRecord) => Promise<boolean>;
  readonly listModels: (tenantId: TenantId) => Promise<readonly ModelRoute[]>;
  readonly listAudit: (page: {
    readonly limit: number;
    readonly cursor?: string;
    readonly tenantId?: TenantId;
  }) => Promise<{ readonly records: readonly AuditRecord[]; readonly nextCursor: string | null }>;
  readonly appendAudit: (audit: AuditRecord) => Promise<void>;
};
