import { applyDunning } from '#core/dunning/applyDunning.ts';
import type { DunnedSubscription } from '#core/dunning/ports.ts';
import type { Notice } from '#core/notices/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { systemWorld } from '#io/world.ts';
import { type CrashPoint, withCrash } from './crash.ts';
import type { TestDatabase } from './database.ts';
import { NOON_MS } from './ledger.ts';
import { aTenant } from './tenants.ts';

/** Dunning over a real directory and ledger; what Dodo shows of the subscription is set by hand. */
export function dunningOf(database: TestDatabase) {
  const clock = { nowMs: NOON_MS };
  const world = { ...systemWorld, clock: () => clock.nowMs };
  const directory = makeDirectory(database.client, `${database.prefix}directory`);
  const ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
  const shown = new Map<TenantId, DunnedSubscription>();
  const notices = new Map<string, Notice>();
  const ports = {
    directory,
    ledger,
    subscriptions: {
      subscriptionOf: async (tenantId: TenantId) => shown.get(tenantId),
      listLive: async () => ({ subscriptions: [...shown.values()], nextCursor: null }),
    },
    notices: {
      add: async (notice: Notice) => void (notices.has(notice.id) || notices.set(notice.id, notice)),
    },
  };

  return {
    clock,
    directory,
    ledger,
    notices,
    newTenant: async (): Promise<TenantId> => {
      const tenant = aTenant();
      await ledger.openAccount(tenant.id, ZERO);
      const act = { actor: 'test', reason: 'test' };
      const details = { action: 'tenant.create', tenantId: tenant.id, details: {} };
      await directory.createTenant(tenant, auditRecord(world, act, details));
      return tenant.id;
    },
    show: (tenantId: TenantId, status: string, over: Partial<DunnedSubscription> = {}): void => {
      const updatedAtMs = clock.nowMs;
      const billing = { startMs: 1 };
      shown.set(tenantId, {
        id: `sub_${tenantId}`,
        tenantId,
        status,
        pastDueEndsAtMs: null,
        updatedAtMs,
        billing,
        ...over,
      });
    },
    shown: (tenantId: TenantId) => shown.get(tenantId),
    run: async (crash?: CrashPoint) => {
      const crashing = withCrash(ports, crash);
      await applyDunning({ ...crashing.ports, world }).catch(() => undefined);
      return crashing.calls();
    },
    /** `active active none`: how the directory, the ledger and the reason stand. */
    standing: async (tenantId: TenantId): Promise<string> => {
      const [tenant, account] = await Promise.all([
        directory.readTenant(tenantId),
        ledger.readAccount(tenantId),
      ]);
      return `${tenant?.status} ${account?.status} ${tenant?.suspension?.because ?? 'none'}`;
    },
    told: (tenantId: TenantId): readonly string[] =>
      [...notices.values()]
        .filter((notice) => notice.tenantId === tenantId)
        .map(({ content }) => content.kind),
  };
}
