import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { KeyId } from '#core/shared/ids.ts';
import { mintApiKey, parseApiKey } from '#core/tenants/apiKey.ts';
import { verifyApiKey } from '#core/tenants/verifyApiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { systemWorld } from '#io/world.ts';
import { aCaller } from '#test/builders/tenants.ts';

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const signing = { crypto: nodeCrypto, peppers: ['newest-pepper', 'older-pepper'] } as const;

const mint = () => {
  const id = systemWorld.newId<KeyId>('key');
  return { id, ...mintApiKey(id, signing) };
};

test.prop([fc.constant(null)], { numRuns: 200 })('a minted key is parsed and verified as itself', () => {
  const { id, text, hash } = mint();
  const parsed = parseApiKey(text, signing);
  expect(parsed).toEqual({ ok: true, value: { id, text } });
  if (!parsed.ok) return;
  const caller = aCaller({ key: { id, hash } });
  expect(verifyApiKey(caller, { presented: parsed.value, crypto: nodeCrypto, nowMs: 1 }).ok).toBe(true);
});

test.prop([fc.nat(), fc.constantFrom(...PRINTABLE)], { numRuns: 500 })(
  'a key with any one character changed is refused without its record',
  (seed, character) => {
    const { text } = mint();
    const at = seed % text.length;
    const changed = text.slice(0, at) + character + text.slice(at + 1);
    fc.pre(changed !== text);
    expect(parseApiKey(changed, signing).ok).toBe(false);
  },
);

test.prop([fc.string()], { numRuns: 300 })('no text that was not minted is a key', (text) => {
  expect(parseApiKey(text, signing).ok).toBe(false);
  expect(parseApiKey(`tg_${text}`, signing).ok).toBe(false);
});

test('a key signed under an older pepper is accepted, under a foreign one refused as forged', () => {
  const id = systemWorld.newId<KeyId>('key');
  const older = mintApiKey(id, { crypto: nodeCrypto, peppers: ['older-pepper'] });
  expect(parseApiKey(older.text, signing).ok).toBe(true);
  const foreign = mintApiKey(id, { crypto: nodeCrypto, peppers: ['foreign'] });
  expect(parseApiKey(foreign.text, signing)).toEqual({ ok: false, error: { code: 'forged_key' } });
});

test('another secret under the same public id, with a right checksum, is an unknown key', () => {
  const id = systemWorld.newId<KeyId>('key');
  const [stored, other] = [mintApiKey(id, signing), mintApiKey(id, signing)];
  const presented = { id, text: other.text };
  const caller = aCaller({ key: { id, hash: stored.hash } });
  expect(verifyApiKey(caller, { presented, crypto: nodeCrypto, nowMs: 1 })).toEqual({
    ok: false,
    error: { code: 'unknown_key' },
  });
});
