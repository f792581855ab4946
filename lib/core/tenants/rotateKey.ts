import { rulesOf } from '#core/limits/changeLimits.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type IssuedKey, makeKey } from './issueKey.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { ApiKey } from './types.ts';
import { keyState } from './verifyApiKey.ts';

export type RotatedKey = IssuedKey & { readonly replaced: ApiKey };

export type RotateRefused =
  | { readonly code: 'key_not_found' }
  | { readonly code: 'key_not_active' }
  | { readonly code: 'too_many_limited_keys' };

/**
 * Replaces a key by a new one with the same name, scopes, limits and planned expiry; the old one works until the grace
 * period ends. The ledger stops the old key first: should we crash then, rotating again completes it.
 * Errors: key_not_found (another tenant's too), key_not_active (revoked, expired or replaced already),
 * too_many_limited_keys.
 */
export async function rotateKey(
  tenancy: Tenancy,
  {
    tenantId,
    keyId,
    graceMs,
    act,
  }: {
    readonly tenantId: TenantId;
    readonly keyId: KeyId;
    readonly graceMs: number;
    readonly act: Act;
  },
): Promise<Result<RotatedKey, RotateRefused>> {
  const { world, directory, ledger } = tenancy;
  const key = await directory.readKey(keyId);
  if (key === undefined || key.tenantId !== tenantId) return err({ code: 'key_not_found' });
  const nowMs = world.clock();
  if (keyState(key, nowMs) !== 'active') return err({ code: 'key_not_active' });

  const expiresAtMs = Math.min(nowMs + graceMs, key.expiresAtMs ?? Number.POSITIVE_INFINITY);
  const issued = await makeKey(tenancy, tenantId, key);
  if (!(await inheritLimits(tenancy, tenantId, { from: keyId, to: issued.key.id }))) {
    return err({ code: 'too_many_limited_keys' });
  }
  await ledger.stopKey(tenantId, keyId, expiresAtMs);
  const details = { key: keyId, replacement: issued.key.id, expiresAtMs };
  const rotated = await directory.rotateKey(
    { replaced: keyId, expiresAtMs, replacement: issued.key },
    auditRecord(world, act, { action: 'key.rotate', tenantId, details }),
  );
  if (!rotated) return err({ code: 'key_not_active' });
  return ok({ ...issued, replaced: { ...key, expiresAtMs, replacedBy: issued.key.id } });
}

/** Gives a key the limits of another, before anybody can use it. False: too many keys of the tenant have some. */
async function inheritLimits(
  { ledger, world }: Tenancy,
  tenantId: TenantId,
  { from, to }: { readonly from: KeyId; readonly to: KeyId },
): Promise<boolean> {
  const limits = (await ledger.readAccount(tenantId))?.limits?.scopes[from];
  if (limits === undefined) return true;
  const set = await ledger.setLimits(tenantId, { scope: to, rules: rulesOf(limits), nowMs: world.clock() });
  return set.ok;
}
