import type { NoticeQueue } from '#core/notices/ports.ts';
import type { Notice } from '#core/notices/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { changeTenant } from '#core/tenants/changeTenant.ts';
import { type Act, auditRecord, type Tenancy } from '#core/tenants/tenancy.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { type DunningStep, dunningStep } from './dunningStep.ts';
import type { DunnedSubscriptions } from './ports.ts';
import { episodeOf, standingUnder } from './standing.ts';

export type DunTenantDeps = Omit<Tenancy, 'signing'> & {
  readonly subscriptions: Pick<DunnedSubscriptions, 'subscriptionOf'>;
  readonly notices: NoticeQueue;
};

/**
 * Brings one tenant's account to what its subscription asks for. The subscription and the tenant are read anew, and
 * every step leaves a trace that the next run finishes: so a crash anywhere ends as if there had been none.
 */
export async function dunTenant(deps: DunTenantDeps, tenantId: TenantId): Promise<DunningStep['kind']> {
  const subscription = await deps.subscriptions.subscriptionOf(tenantId);
  const tenant = await deps.directory.readTenant(tenantId);
  if (tenant === undefined) return 'nothing';
  const nowMs = deps.world.clock();
  const step = dunningStep(tenant, standingUnder(tenant.reprieve, subscription, nowMs), nowMs);
  switch (step.kind) {
    case 'warn':
      await tell(deps, tenant, {
        id: `payment_overdue/${subscription === undefined ? tenantId : episodeOf(subscription)}`,
        content: { kind: 'payment_overdue', suspendsAtMs: step.suspendsAtMs },
      });
      break;
    case 'suspend':
      await suspend(deps, tenant, step.sinceMs);
      break;
    case 'restore':
      await restore(deps, tenant, step.sinceMs);
      break;
    case 'nothing':
      break;
    default:
      step satisfies never;
  }
  return step.kind;
}

/** Why comes first: an account that is suspended without a word would never be opened again by itself. */
async function suspend(deps: DunTenantDeps, tenant: Tenant, sinceMs: number): Promise<void> {
  const suspension = { because: 'payment_overdue', sinceMs } as const;
  if (tenant.suspension === undefined) {
    const record = auditRecord(deps.world, act('a payment of the subscription is overdue'), {
      action: 'tenant.suspend',
      tenantId: tenant.id,
      details: { because: suspension.because },
    });
    await deps.directory.updateTenant(tenant.id, { suspension }, record);
  }
  await tell(deps, tenant, {
    id: `account_suspended/${tenant.id}/${sinceMs}`,
    content: { kind: 'account_suspended', because: 'payment_overdue' },
  });
  await change(deps, tenant, { status: 'suspended', suspension }, 'a payment of the subscription is overdue');
}

async function restore(deps: DunTenantDeps, tenant: Tenant, sinceMs: number): Promise<void> {
  // What was begun and never became a suspension is taken back without a word.
  if (tenant.status === 'suspended') {
    await tell(deps, tenant, {
      id: `account_restored/${tenant.id}/${sinceMs}`,
      content: { kind: 'account_restored' },
    });
  }
  await change(deps, tenant, { status: 'active', suspension: null }, 'nothing is overdue any more');
}

async function change(
  deps: DunTenantDeps,
  tenant: Tenant,
  to: Parameters<typeof changeTenant>[1]['change'],
  reason: string,
): Promise<void> {
  const changed = await changeTenant(deps, { tenantId: tenant.id, change: to, act: act(reason) });
  // Closed meanwhile: then there is nothing left to suspend or restore.
  if (!changed.ok && changed.error.code !== 'tenant_closed') {
    throw new Error(`${tenant.id} could not be changed: ${changed.error.code}`);
  }
}

const act = (reason: string): Act => ({ actor: 'dunning', reason });

const tell = (
  { notices, world }: DunTenantDeps,
  tenant: Tenant,
  notice: Pick<Notice, 'id' | 'content'>,
): Promise<void> => notices.add({ ...notice, to: 'client', tenantId: tenant.id, createdAtMs: world.clock() });
