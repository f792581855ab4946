import type { Ledger } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { World } from '#core/shared/world.ts';
import type { Peppers } from './apiKey.ts';
import type { KeyCrypto } from './keyCrypto.ts';
import type { AuditRecord, Directory } from './ports.ts';

/** What the operations on tenants work with. The peppers are a secret, read when first needed. */
export type Tenancy = {
  readonly world: World;
  readonly directory: Directory;
  readonly ledger: Pick<Ledger, 'openAccount' | 'setStatus' | 'stopKey' | 'readAccount' | 'setLimits'>;
  readonly signing: { readonly crypto: KeyCrypto; readonly peppers: () => Promise<Peppers> };
};

/** Who does something, and why: kept with what was done. */
export type Act = { readonly actor: string; readonly reason: string };

/** The record of an act, for the audit log. */
export function auditRecord(
  world: World,
  act: Act,
  what: Pick<AuditRecord, 'action' | 'details'> & { readonly tenantId: TenantId | null },
): AuditRecord {
  return { id: world.newId('auditRecord'), atMs: world.clock(), ...act, ...what };
}
