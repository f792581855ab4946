import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyCrypto } from '#core/tenants/keyCrypto.ts';

/** Node's own cryptography. */
export const nodeCrypto: KeyCrypto = {
  randomBytes,
  sha256Hex: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
  hmacSha256: (key, text) => createHmac('sha256', key).update(text, 'utf8').digest(),
  equals: (a, b) => {
    const [left, right] = [Buffer.from(a), Buffer.from(b)];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};
