import { type Peppers, parseApiKey, parsePeppers } from '#core/tenants/apiKey.ts';
import type { Caller, CallerDirectory } from '#core/tenants/ports.ts';
import { verifyApiKey } from '#core/tenants/verifyApiKey.ts';
import { nodeCrypto } from './crypto.ts';

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * Whose key an `Authorization` header carries; undefined when it is nobody's, or good no longer. A key that is
 * malformed or forged is refused by its checksum alone: the directory is not asked.
 */
export function makeKeyAuthenticator(options: {
  readonly directory: CallerDirectory;
  /** The secret's text: see `parsePeppers`. */
  readonly readPeppers: () => Promise<string>;
}): (authorization: string | undefined, nowMs: number) => Promise<Caller | undefined> {
  let parsed: { readonly secret: string; readonly peppers: Peppers } | undefined;
  const peppersNow = async (): Promise<Peppers> => {
    const secret = await options.readPeppers();
    if (parsed?.secret !== secret) parsed = { secret, peppers: parsePeppers(secret) };
    return parsed.peppers;
  };
  return async (authorization, nowMs) => {
    const text = BEARER.exec(authorization ?? '')?.[1];
    if (text === undefined) return undefined;
    const presented = parseApiKey(text, { crypto: nodeCrypto, peppers: await peppersNow() });
    if (!presented.ok) return undefined;
    const caller = await options.directory.find(presented.value.id);
    const verified = verifyApiKey(caller, { presented: presented.value, crypto: nodeCrypto, nowMs });
    return verified.ok ? verified.value : undefined;
  };
}
