import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { mintApiKey } from './apiKey.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { ApiKey, Scope } from './types.ts';

export type WantedKey = {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs?: number;
};

/** A key with its text, which exists here and nowhere else: it is shown to who asked and forgotten. */
export type IssuedKey = { readonly key: ApiKey; readonly text: string };

export type IssueRefused = { readonly code: 'tenant_not_found' } | { readonly code: 'tenant_closed' };

/** Issues a new API key to a tenant. Errors: tenant_not_found, tenant_closed. */
export async function issueKey(
  tenancy: Tenancy,
  { tenantId, wanted, act }: { readonly tenantId: TenantId; readonly wanted: WantedKey; readonly act: Act },
): Promise<Result<IssuedKey, IssueRefused>> {
  const tenant = await tenancy.directory.readTenant(tenantId);
  if (tenant === undefined) return err({ code: 'tenant_not_found' });
  if (tenant.status === 'closed') return err({ code: 'tenant_closed' });
  const issued = await makeKey(tenancy, tenantId, wanted);
  const details = { key: issued.key.id, name: wanted.name, scopes: wanted.scopes.join(' ') };
  const created = await tenancy.directory.createKey(
    issued.key,
    auditRecord(tenancy.world, act, { action: 'key.create', tenantId, details }),
  );
  return created ? ok(issued) : err({ code: 'tenant_not_found' });
}

/** A fresh key for a tenant, not stored yet. */
export async function makeKey(
  { world, signing }: Pick<Tenancy, 'world' | 'signing'>,
  tenantId: TenantId,
  { name, scopes, expiresAtMs }: WantedKey,
): Promise<IssuedKey> {
  const id = world.newId<KeyId>('key');
  const { text, hash } = mintApiKey(id, { crypto: signing.crypto, peppers: await signing.peppers() });
  const expiry = expiresAtMs === undefined ? {} : { expiresAtMs };
  return { text, key: { id, tenantId, name, hash, scopes, createdAtMs: world.clock(), ...expiry } };
}
