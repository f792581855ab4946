import type { TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { DunningStep } from './dunningStep.ts';
import { type DunTenantDeps, dunTenant } from './dunTenant.ts';
import type { DunnedSubscriptions } from './ports.ts';
import { standingOf } from './standing.ts';

const A_PAGE = 100;
/** A million of each; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;

export type ApplyDunningDeps = DunTenantDeps & {
  readonly subscriptions: DunnedSubscriptions;
  readonly directory: Pick<Directory, 'listTenants'>;
};

export type DunningReport = {
  readonly done: readonly { readonly tenantId: TenantId; readonly step: DunningStep['kind'] }[];
  readonly failed: readonly { readonly tenantId: TenantId; readonly cause: unknown }[];
};

/** Looks at every tenant whose payment is overdue, and at every tenant that dunning has suspended. */
export async function applyDunning(deps: ApplyDunningDeps): Promise<DunningReport> {
  const done: DunningReport['done'][number][] = [];
  const failed: DunningReport['failed'][number][] = [];
  for (const tenantId of new Set([...(await inArrears(deps)), ...(await suspendedByUs(deps))])) {
    try {
      done.push({ tenantId, step: await dunTenant(deps, tenantId) });
    } catch (cause) {
      failed.push({ tenantId, cause });
    }
  }
  return { done: done.filter(({ step }) => step !== 'nothing'), failed };
}

async function inArrears({ subscriptions, world }: ApplyDunningDeps): Promise<readonly TenantId[]> {
  const found: TenantId[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const live = await subscriptions.listLive({ limit: A_PAGE, ...(cursor === null ? {} : { cursor }) });
    for (const subscription of live.subscriptions) {
      const { tenantId } = subscription;
      if (tenantId !== null && standingOf(subscription, world.clock()).kind !== 'good') found.push(tenantId);
    }
    cursor = live.nextCursor;
    if (cursor === null) break;
  }
  return found;
}

async function suspendedByUs({ directory }: ApplyDunningDeps): Promise<readonly TenantId[]> {
  const found: TenantId[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await directory.listTenants({
      limit: A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const { id, suspension } of tenants) if (suspension?.because === 'payment_overdue') found.push(id);
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return found;
}
