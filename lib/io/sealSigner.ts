import type { SealSigner } from '#core/statements/ports.ts';
import type { SealKey } from '#core/statements/types.ts';
import { parseSecretList } from '#core/tenants/apiKey.ts';
import { makeSealKey } from './sealCrypto.ts';

/**
 * Signs seals by the newest key of the secret, whose public part is published before the first signature. Throws when
 * the secret holds no key.
 */
export function makeSealSigner(
  readSecret: () => Promise<string>,
  keys: { readonly publish: (key: SealKey) => Promise<void> },
): SealSigner {
  let published: string | undefined;
  return {
    sign: async (text) => {
      const [newest] = parseSecretList(await readSecret());
      if (newest === undefined) throw new Error('the seal key is empty');
      const key = makeSealKey(newest);
      if (published !== key.id) await keys.publish(key);
      published = key.id;
      return { keyId: key.id, signature: key.sign(text) };
    },
  };
}
