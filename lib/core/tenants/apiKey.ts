import type { KeyId } from '#core/shared/ids.ts';
import { ID_PREFIXES, parseId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { KeyCrypto } from './keyCrypto.ts';

/**
 * The text of an API key: `tg_<public id>_<secret><checksum>`.
 * - public id: the body of its `key_…` id, so that the key is found by one read.
 * - secret: 192 random bits, 33 characters of base 62.
 * - checksum: 64 bits of HMAC-SHA256 over everything before it, under a pepper that only the servers know, 11
 *   characters of base 62. A typo or a forgery is refused by it alone, before any read of the database.
 */
const KEY_TEXT = /^tg_([A-Za-z0-9-]{1,64})_([A-Za-z0-9]{33})([A-Za-z0-9]{11})$/;
const SECRET_BYTES = 24;
const SECRET_CHARACTERS = 33;
const CHECKSUM_BYTES = 8;
const CHECKSUM_CHARACTERS = 11;
const MAX_KEY_CHARACTERS = 128;

/** Peppers, newest first: the first signs new keys, each is accepted, so that a pepper can be rotated. */
export type Peppers = readonly [string, ...string[]];

/** A key whose text is known to be ours; whether it is still good is the directory's to say. */
export type PresentedKey = { readonly id: KeyId; readonly text: string };

export type KeyTextRefused = { readonly code: 'malformed_key' } | { readonly code: 'forged_key' };

/** Reads a key's text and checks its checksum; reads no database. Errors: malformed_key, forged_key. */
export function parseApiKey(
  text: string,
  { crypto, peppers }: { readonly crypto: KeyCrypto; readonly peppers: Peppers },
): Result<PresentedKey, KeyTextRefused> {
  if (text.length > MAX_KEY_CHARACTERS) return err({ code: 'malformed_key' });
  const match = KEY_TEXT.exec(text);
  const publicId = match?.[1];
  const checksum = match?.[3];
  if (publicId === undefined || checksum === undefined) return err({ code: 'malformed_key' });
  const id = parseId<KeyId>('key', ID_PREFIXES.key + publicId);
  if (id === undefined) return err({ code: 'malformed_key' });
  const signed = text.slice(0, -CHECKSUM_CHARACTERS);
  const genuine = peppers.some((pepper) => crypto.equals(checksum, checksumOf(crypto, pepper, signed)));
  return genuine ? ok({ id, text }) : err({ code: 'forged_key' });
}

/** Makes the text of a new key. It is shown once to whoever asked; what is stored is `hash`. */
export function mintApiKey(
  id: KeyId,
  { crypto, peppers }: { readonly crypto: KeyCrypto; readonly peppers: Peppers },
): { readonly text: string; readonly hash: string } {
  const secret = base62(crypto.randomBytes(SECRET_BYTES), SECRET_CHARACTERS);
  const signed = `tg_${id.slice(ID_PREFIXES.key.length)}_${secret}`;
  const text = signed + checksumOf(crypto, peppers[0], signed);
  return { text, hash: crypto.sha256Hex(text) };
}

/**
 * Reads the peppers' secret: a JSON list of texts, newest first, or one bare text, which is what a secrets
 * manager generates. Throws when there is none in it: without a pepper no key can be checked.
 */
export function parsePeppers(secret: string): Peppers {
  const [newest, ...older] = parseSecretList(secret);
  if (newest === undefined) throw new Error('the key pepper is empty');
  return [newest, ...older];
}

/** The texts in a secret that may hold one bare text or a JSON list of them, newest first. */
export function parseSecretList(secret: string): readonly string[] {
  const text = secret.trim();
  if (!text.startsWith('[')) return text === '' ? [] : [text];
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string' && item !== '') : [];
}

const checksumOf = (crypto: KeyCrypto, pepper: string, signed: string): string =>
  base62(crypto.hmacSha256(pepper, signed).subarray(0, CHECKSUM_BYTES), CHECKSUM_CHARACTERS);

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Bytes, as one big number, in base 62 with leading zeros: letters and digits only, so a double click selects a key. */
function base62(bytes: Uint8Array, characters: number): string {
  let rest = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = '';
  for (let i = 0; i < characters; i++) {
    text = BASE62.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}
