import { sumMicro } from '#core/ledger/account.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { Account, GrantRecord } from '#core/ledger/types.ts';
import { type MicroCredits, subtractMicro, ZERO } from '#core/shared/money.ts';
import type { SubscriptionRecord } from './types.ts';

/** What a plan gave and what of it was used. Amounts in µcr. */
export type PlanUsage = {
  /** Given for the month that runs, and left of it. */
  readonly includedMicro: MicroCredits;
  readonly includedLeftMicro: MicroCredits;
  /** What the month that runs may take on account, and has taken. */
  readonly overageLimitMicro: MicroCredits;
  readonly overageMonthMicro: MicroCredits;
  /** On account since the last payment: by the year that is up to twelve months of it. */
  readonly overageUnbilledMicro: MicroCredits;
};

const NOTHING: PlanUsage = {
  includedMicro: ZERO,
  includedLeftMicro: ZERO,
  overageLimitMicro: ZERO,
  overageMonthMicro: ZERO,
  overageUnbilledMicro: ZERO,
};

/** Reads from the ledger what became of a subscription's grants; what is frozen or expired was not used. */
export async function readPlanUsage(
  ledger: Pick<Ledger, 'readAccount' | 'readGrant'>,
  record: SubscriptionRecord | undefined,
): Promise<PlanUsage> {
  const usage = record?.usage ?? null;
  const tenantId = record?.tenantId ?? null;
  if (usage === null || tenantId === null) return NOTHING;
  const ids = [...new Set([...usage.grants.map(({ grantId }) => grantId), ...usage.onAccount])];
  const [account, ...grants] = await Promise.all([
    ledger.readAccount(tenantId),
    ...ids.map((id) => ledger.readGrant(tenantId, id)),
  ]);
  const known = grants.filter((grant) => grant !== undefined);
  const ofMonth = known.filter(({ id }) => usage.grants.some(({ grantId }) => grantId === id));
  const sum = (
    of: readonly GrantRecord[],
    kind: GrantRecord['kind'],
    amount: (g: GrantRecord) => MicroCredits,
  ) => sumMicro(of.filter((grant) => grant.kind === kind).map(amount));
  const given = ({ amountMicro }: GrantRecord) => amountMicro;
  const left = ({ id }: GrantRecord) => account?.grants[id]?.remainingMicro ?? ZERO;
  const used = (grant: GrantRecord) => usedOf(grant, account);
  const onAccount = known.filter(({ id }) => usage.onAccount.some((one) => one === id));
  return {
    includedMicro: sum(ofMonth, 'included', given),
    includedLeftMicro: sum(ofMonth, 'included', left),
    overageLimitMicro: sum(ofMonth, 'overage', given),
    overageMonthMicro: sum(ofMonth, 'overage', used),
    overageUnbilledMicro: sum(onAccount, 'overage', used),
  };
}

function usedOf(grant: GrantRecord, account: Account | undefined): MicroCredits {
  const { amountMicro, takenBackMicro, frozenMicro } = grant;
  const left = account?.grants[grant.id]?.remainingMicro ?? ZERO;
  return subtractMicro(subtractMicro(subtractMicro(amountMicro, takenBackMicro), frozenMicro), left);
}
