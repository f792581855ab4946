import type { Principal } from '#api/http.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import { type KeyTextRefused, type Peppers, parseApiKey } from '#core/tenants/apiKey.ts';
import type { KeyCrypto } from '#core/tenants/keyCrypto.ts';
import type { CallerDirectory } from '#core/tenants/ports.ts';
import { isAdminKey, type KeyRefused, verifyApiKey } from '#core/tenants/verifyApiKey.ts';

/** What recognizes callers. Secrets are read when first needed; each may hold several, newest first. */
export type Authentication = {
  readonly clock: Clock;
  readonly directory: CallerDirectory;
  readonly crypto: KeyCrypto;
  readonly peppers: () => Promise<Peppers>;
  readonly adminKeys: () => Promise<readonly string[]>;
};

export type NotAuthenticated = { readonly code: 'no_bearer_key' } | KeyTextRefused | KeyRefused;

const BEARER = /^Bearer +(\S{1,512})$/i;

/** The key in an `authorization` header; undefined when there is none. */
export const bearerKey = (authorization: string | undefined): string | undefined =>
  BEARER.exec(authorization?.trim() ?? '')?.[1];

/**
 * Who sends this key: a client by an API key, or the agency by its admin key. What is neither in form nor in
 * checksum one of ours is refused with no read of the database.
 */
export async function authenticate(
  { clock, directory, crypto, peppers, adminKeys }: Authentication,
  authorization: string | undefined,
): Promise<Result<Principal, NotAuthenticated>> {
  const text = bearerKey(authorization);
  if (text === undefined) return err({ code: 'no_bearer_key' });
  if (isAdminKey(text, await adminKeys(), crypto))
    return ok({ kind: 'agency', actor: adminName(text, crypto) });
  const presented = parseApiKey(text, { crypto, peppers: await peppers() });
  if (!presented.ok) return presented;
  const caller = await directory.find(presented.value.id);
  const verified = verifyApiKey(caller, { presented: presented.value, crypto, nowMs: clock() });
  if (!verified.ok) return verified;
  const { key, tenant } = verified.value;
  return ok({ kind: 'client', tenantId: tenant.id, keyId: key.id, scopes: key.scopes });
}

const NAME_CHARACTERS = 8;

/** Tells admin keys apart in the audit log, before and after a rotation, and reveals nothing of them. */
const adminName = (text: string, crypto: KeyCrypto): string =>
  `admin-${crypto.sha256Hex(text).slice(0, NAME_CHARACTERS)}`;
