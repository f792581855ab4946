import { err, ok, type Result } from '#core/shared/result.ts';
import type { PresentedKey } from './apiKey.ts';
import type { KeyCrypto } from './keyCrypto.ts';
import type { Caller } from './ports.ts';
import type { ApiKey } from './types.ts';

export type KeyRefused =
  | { readonly code: 'unknown_key' }
  | { readonly code: 'key_revoked' }
  | { readonly code: 'key_expired' }
  | { readonly code: 'tenant_closed' };

/**
 * Whether the key that was presented is the stored one and good at this moment. A suspended tenant passes: it may
 * read its usage and buy credits; that it can spend nothing is the account's own condition.
 */
export function verifyApiKey(
  caller: Caller | undefined,
  {
    presented,
    crypto,
    nowMs,
  }: { readonly presented: PresentedKey; readonly crypto: KeyCrypto; readonly nowMs: number },
): Result<Caller, KeyRefused> {
  if (caller === undefined || !crypto.equals(caller.key.hash, crypto.sha256Hex(presented.text))) {
    return err({ code: 'unknown_key' });
  }
  const state = keyState(caller.key, nowMs);
  if (state === 'revoked') return err({ code: 'key_revoked' });
  if (state === 'expired') return err({ code: 'key_expired' });
  if (caller.tenant.status === 'closed') return err({ code: 'tenant_closed' });
  return ok(caller);
}

/** `expiring`: a newer key has replaced it and its grace period runs. Derived, never stored. */
export type KeyState = 'active' | 'expiring' | 'expired' | 'revoked';

export function keyState(key: ApiKey, nowMs: number): KeyState {
  if (key.revokedAtMs !== undefined && nowMs >= key.revokedAtMs) return 'revoked';
  if (key.expiresAtMs !== undefined && nowMs >= key.expiresAtMs) return 'expired';
  return key.replacedBy === undefined ? 'active' : 'expiring';
}

/** Whether the text is one of the agency's admin keys. Hashed first, so that lengths leak nothing either. */
export function isAdminKey(text: string, adminKeys: readonly string[], crypto: KeyCrypto): boolean {
  const presented = crypto.sha256Hex(text);
  // Every key is compared, found or not: the time tells nothing.
  return adminKeys.map((key) => crypto.equals(presented, crypto.sha256Hex(key))).some(Boolean);
}
