import type { Applied, ApplyRefused, Ledger } from '#core/ledger/ports.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { type MicroCredits, micro } from '#core/shared/money.ts';
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

/**
 * Grants or takes credits by hand. The entry in the account book carries reason and actor, and so does the audit
 * log, where a repeat is seen as one. Errors: account_not_found, insufficient_credits, idempotency_conflict.
 */
export async function adjustCredits(
  {
    world,
    directory,
    ledger,
  }: Pick<Tenancy, 'world' | 'directory'> & { readonly ledger: Pick<Ledger, 'grant' | 'debit'> },
  { tenantId, amountMicro, idempotencyKey, act }: Adjustment,
): Promise<Result<Applied, ApplyRefused>> {
  const change = {
    tenantId,
    amountMicro: micro(Math.abs(amountMicro)),
    source: { kind: 'admin', id: idempotencyKey },
    ...act,
    nowMs: world.clock(),
  } as const;
  const applied =
    amountMicro > 0
      ? await ledger.grant({ ...change, grantId: world.newId<GrantId>('grant'), kind: 'adjustment' })
      : await ledger.debit(change);
  if (applied.ok) {
    const details = { amountMicro, outcome: applied.value.outcome };
    await directory.appendAudit(auditRecord(world, act, { action: 'credits.adjust', tenantId, details }));
  }
  return applied;
}
