import type { GrantId } from '#core/shared/ids.ts';
import { addMicro, micro, minMicro, subtractMicro, ZERO } from '#core/shared/money.ts';
import { inBurnOrder, spendable, sumMicro, take } from './account.ts';
import { type Change, type EntryDraft, guardTaking } from './change.ts';
import type { Account, GrantRecord, OpenGrant } from './types.ts';

/** Open grants whose time has come, in burn order. */
export const dueGrants = (account: Account, nowMs: number): readonly OpenGrant[] =>
  inBurnOrder(account).filter((grant) => grant.expiresAtMs !== undefined && grant.expiresAtMs <= nowMs);

/**
 * Takes what is left of the due grants, as far as it is available: credits under a hold are not pulled from under
 * the call, and what remains of them expires at the next sweep. Undefined when there is nothing to take.
 */
export function expireGrants(
  before: Account,
  records: ReadonlyMap<GrantId, GrantRecord>,
  nowMs: number,
): Change | undefined {
  const due = dueGrants(before, nowMs);
  let account = before;
  const version = before.version + 1;
  const entries: EntryDraft[] = [];
  const grants: GrantRecord[] = [];
  for (const grant of due) {
    const taken = minMicro(grant.remainingMicro, spendable(account));
    const record = records.get(grant.id);
    if (taken === 0 || record === undefined) continue;
    account = take(account, taken, { first: grant });
    grants.push({ ...record, takenBackMicro: addMicro(record.takenBackMicro, taken) });
    entries.push({
      tenantId: before.tenantId,
      kind: 'expiry',
      amountMicro: micro(-taken),
      atMs: nowMs,
      accountVersion: version,
      // A grant may expire in parts; the version tells them apart.
      source: {
        kind: grant.kind === 'overage' ? 'overage_expiry' : 'grant_expiry',
        id: `${grant.id}/${version}`,
      },
      grantId: grant.id,
    });
  }
  if (entries.length === 0) return undefined;
  const wanted = sumMicro(due.map((grant) => grant.remainingMicro));
  const taken = subtractMicro(ZERO, sumMicro(entries.map((entry) => entry.amountMicro)));
  return { account: { ...account, version }, entries, grants, guard: guardTaking(before, { wanted, taken }) };
}
