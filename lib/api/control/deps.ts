import type { Ledger } from '#core/ledger/ports.ts';
import type { World } from '#core/shared/world.ts';
import type { Peppers } from '#core/tenants/apiKey.ts';
import type { KeyCrypto } from '#core/tenants/keyCrypto.ts';
import type { Directory } from '#core/tenants/ports.ts';

/** What signs and hashes keys; the peppers are a secret that is read when first needed. */
export type KeySigning = { readonly crypto: KeyCrypto; readonly peppers: () => Promise<Peppers> };

/** Everything that the control routes work with, by area. Put together in `#io/wire/control.ts`. */
export type ControlDeps = {
  readonly world: World;
  readonly directory: Directory;
  readonly ledger: Ledger;
  readonly signing: KeySigning;
};
