import type { Applied, ApplyRefused, Ledger } from '#core/ledger/ports.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { formatCredits, type MicroCredits, micro } from '#core/shared/money.ts';
import type { Result } from '#core/shared/result.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';

export type Adjustment = {
  readonly tenantId: TenantId;
  /** Signed and not zero: above zero grants, below takes. */
  readonly amountMicro: MicroCredits;
  /** What makes a repeat harmless; two adjustments with one are the same one. */
  readonly idempotencyKey: string;
  readonly act: Act;
};

/** How far back a repeat looks for the record of the first time. */
const RECENT_RECORDS = 100;
const ACTION = 'credits.adjust';

type Deps = Pick<Tenancy, 'world' | 'directory'> & { readonly ledger: Pick<Ledger, 'grant' | 'debit'> };

/**
 * Grants or takes credits by hand. The entry in the account book carries reason and actor; the record in the audit
 * log follows it, and a repeat writes the record that a crash kept back.
 * Errors: account_not_found, insufficient_credits, too_many_grants, idempotency_conflict.
 */
export async function adjustCredits(
  deps: Deps,
  adjustment: Adjustment,
): Promise<Result<Applied, ApplyRefused>> {
  const applied = await apply(deps, adjustment);
  if (!applied.ok) return applied;
  const { world, directory } = deps;
  const { tenantId, amountMicro, idempotencyKey, act } = adjustment;
  if (applied.value.outcome === 'applied' || !(await isRecorded(directory, adjustment))) {
    const details = { amount: formatCredits(amountMicro), idempotencyKey };
    await directory.appendAudit(auditRecord(world, act, { action: ACTION, tenantId, details }));
  }
  return applied;
}

function apply({ world, ledger }: Deps, adjustment: Adjustment): Promise<Result<Applied, ApplyRefused>> {
  const { tenantId, amountMicro, idempotencyKey, act } = adjustment;
  const change = {
    tenantId,
    amountMicro: micro(Math.abs(amountMicro)),
    source: { kind: 'admin', id: idempotencyKey },
    ...act,
    nowMs: world.clock(),
  } as const;
  return amountMicro > 0
    ? ledger.grant({ ...change, grantId: world.newId<GrantId>('grant'), kind: 'adjustment' })
    : ledger.debit(change);
}

async function isRecorded(
  directory: Tenancy['directory'],
  { tenantId, idempotencyKey }: Adjustment,
): Promise<boolean> {
  const { records } = await directory.listAudit({ tenantId, limit: RECENT_RECORDS });
  return records.some(
    ({ action, details }) => action === ACTION && details['idempotencyKey'] === idempotencyKey,
  );
}
