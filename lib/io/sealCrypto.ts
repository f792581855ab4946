import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { VerifySignature } from '#core/statements/ports.ts';
import type { SealKey } from '#core/statements/types.ts';

/** What stands in front of an Ed25519 key's 32 bytes in PKCS #8. Source: RFC 8410. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The Ed25519 key that a secret's text makes: any 32 bytes are one, so that a generated password serves on AWS and on
 * one machine alike.
 */
export function makeSealKey(secret: string): SealKey & { readonly sign: (text: string) => string } {
  const seed = createHash('sha256').update(`tunegate-seal-key\n${secret}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = publicKeyOf(key);
  return {
    id: sealKeyId(publicKey),
    publicKey,
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  };
}

function publicKeyOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (x === undefined) throw new Error('the key has no public part');
  return x;
}

/** A key's name: the first half of the SHA-256 of its public part, in hex. */
export const sealKeyId = (publicKey: string): string =>
  createHash('sha256').update(publicKey).digest('hex').slice(0, 32);

/** False for keys and signatures that are none, or that are not written as we write them. */
export const verifySealSignature: VerifySignature = ({ publicKey, text, signature }) => {
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) return false;
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    return verify(null, Buffer.from(text), key, bytes);
  } catch {
    return false;
  }
};
