import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { ApiKey } from './types.ts';

export type RevokeRefused = { readonly code: 'key_not_found' };

/**
 * Revokes a key at once. The ledger stops it first: no hold is placed with it from that moment on, whatever a warm
 * function remembers. Revoking again changes nothing. Errors: key_not_found (another tenant's too).
 */
export async function revokeKey(
  { world, directory, ledger }: Tenancy,
  { tenantId, keyId, act }: { readonly tenantId: TenantId; readonly keyId: KeyId; readonly act: Act },
): Promise<Result<ApiKey, RevokeRefused>> {
  const key = await directory.readKey(keyId);
  if (key === undefined || key.tenantId !== tenantId) return err({ code: 'key_not_found' });
  if (key.revokedAtMs !== undefined) return ok(key);
  const revokedAtMs = world.clock();
  await ledger.stopKey(tenantId, keyId, revokedAtMs);
  await directory.revokeKey(
    keyId,
    revokedAtMs,
    auditRecord(world, act, { action: 'key.revoke', tenantId, details: { key: keyId } }),
  );
  return ok({ ...key, revokedAtMs });
}
