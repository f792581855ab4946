import type { Ledger } from '#core/ledger/ports.ts';
import type { Tenancy } from '#core/tenants/tenancy.ts';

/** Everything that the control routes work with. Put together in `#io/wire/control.ts`. */
export type ControlDeps = Tenancy & {
  readonly ledger: Ledger;
  /** The price books that a tenant may have; a new one gets the first. */
  readonly priceBookIds: readonly [string, ...string[]];
};
