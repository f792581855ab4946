import { checkLimits, makeSpendFold } from '#core/limits/auditLimits.ts';
import type { GrantId } from '#core/shared/ids.ts';
import { subtractMicro } from '#core/shared/money.ts';
import { overageLeft, sumMicro } from './account.ts';
import type { MonthlyCharge, MonthTotals } from './months.ts';
import { addRollups, rollupKey, rollupOf } from './rollup.ts';
import type { Account, Entry, EntryKind, EntrySource, GrantRecord, UsageRollup } from './types.ts';

/** One row of a tenant's book. `accountVersion`: the account's version when it was last written. */
export type AuditRow =
  | { readonly row: 'entry'; readonly entry: Entry }
  | { readonly row: 'grant'; readonly record: GrantRecord; readonly accountVersion: number }
  | {
      readonly row: 'mark';
      readonly source: EntrySource;
      readonly kinds: readonly string[];
      readonly accountVersion: number;
    }
  | { readonly row: 'month'; readonly month: MonthTotals; readonly accountVersion: number }
  | { readonly row: 'rollup'; readonly rollup: UsageRollup; readonly accountVersion: number };

export type ViolationCode =
  | 'entries_do_not_sum_up'
  | 'holds_do_not_sum_up'
  | 'grants_do_not_sum_up'
  | 'debt_beside_credits'
  | 'spent_more_than_granted'
  | 'source_repeated'
  | 'entry_missing'
  | 'wrong_sign'
  | 'grant_record_differs'
  | 'mark_differs'
  | 'rollup_differs'
  | 'month_differs'
  | 'overage_differs'
  | 'limits_do_not_sum_up'
  | 'hold_overdue';

export type Violation = { readonly code: ViolationCode; readonly message: string };

export type BookAuditor = {
  readonly add: (row: AuditRow) => void;
  /** `outgrown`: rows that sum up were written after the account was read and could not be held against it. */
  readonly finish: (lastSweepMs: number | undefined) => {
    readonly outgrown: boolean;
    readonly entries: number;
    readonly violations: readonly Violation[];
  };
};

/** A sweep that began this long after a hold's end must have ended it, whatever the clocks say. */
export const HOLD_GRACE_MS = 60_000;

/**
 * Folds one tenant's book and holds it against the account. The account must be read before the rows: entries above
 * its version came later and are left out, so that a book in use can be audited.
 */
export function makeBookAuditor(account: Account): BookAuditor {
  const found: Violation[] = [];
  const violate = (code: ViolationCode, message: string): void => void found.push({ code, message });
  const byKind = new Map<EntryKind, number>();
  const sources = new Set<string>();
  const marked = new Set<string>();
  const versions = new Set<number>();
  const rollups = new Map<string, UsageRollup>();
  const ofGrant = new Map<string, number>();
  const months = makeMonthSums();
  const rows = {
    rollups: new Map<string, UsageRollup>(),
    grants: new Map<GrantId, GrantRecord>(),
    months: makeMonthSums(),
  };
  let overage = 0;
  const spent = makeSpendFold(account.limits);
  let entries = 0;
  let outgrown = false;

  const addEntry = (entry: Entry): void => {
    if (entry.accountVersion > account.version) return;
    entries += 1;
    const source = sourceKey(entry.source, entry.kind);
    if (sources.has(source)) violate('source_repeated', `${source} stands in the book twice`);
    sources.add(source);
    versions.add(entry.accountVersion);
    add(byKind, entry.kind, entry.amountMicro);
    overage += entry.overageMicro ?? 0;
    if (entry.grantId !== undefined) add(ofGrant, `${entry.grantId}/${entry.kind}`, entry.amountMicro);
    if (entry.amountMicro * SIGN[entry.kind] < 0) {
      violate('wrong_sign', `${source} has the amount ${entry.amountMicro}`);
    }
    if (entry.monthly !== undefined) months.addCharge(entry.monthly);
    if (entry.usage !== undefined) spent.add(entry.usage.keyId, entry.atMs, -entry.amountMicro);
    const rollup = rollupOf(entry);
    if (rollup === undefined) return;
    const sum = rollups.get(rollupKey(rollup));
    rollups.set(rollupKey(rollup), sum === undefined ? rollup : addRollups(sum, rollup));
  };

  return {
    add: (row) => {
      if (row.row === 'entry') return addEntry(row.entry);
      if (row.accountVersion > account.version) outgrown = true;
      else if (row.row === 'grant') rows.grants.set(row.record.id, row.record);
      else if (row.row === 'month') rows.months.addTotals(row.month);
      else if (row.row === 'rollup') rows.rollups.set(rollupKey(row.rollup), row.rollup);
      else for (const kind of row.kinds) marked.add(sourceKey(row.source, kind));
    },
    finish: (lastSweepMs) => {
      const violations = [
        ...found,
        ...checkSums(account, byKind),
        ...checkHolds(account, lastSweepMs),
        ...checkLimits(account, spent).map((message) => fault('limits_do_not_sum_up', message)),
        ...(versions.size === account.version
          ? []
          : [fault('entry_missing', `${versions.size} of ${account.version} operations have entries`)]),
        ...(outgrown
          ? []
          : [
              ...checkGrants(account, rows.grants, ofGrant),
              ...checkOverage(account, rows.grants, overage),
              ...checkMarks(sources, marked),
              ...checkRollups(rollups, rows.rollups),
              ...checkMonths(months.sums, rows.months.sums),
            ]),
      ];
      return { outgrown, entries, violations };
    },
  };
}

const SIGN: Readonly<Record<EntryKind, 1 | -1>> = {
  grant: 1,
  release: 1,
  thaw: 1,
  charge: -1,
  debit: -1,
  refund: -1,
  expiry: -1,
  freeze: -1,
};

const fault = (code: ViolationCode, message: string): Violation => ({ code, message });

const sourceKey = (source: EntrySource, kind: string): string => `${source.kind}/${source.id} ${kind}`;

const add = <K>(sums: Map<K, number>, key: K, amount: number): void =>
  void sums.set(key, (sums.get(key) ?? 0) + amount);

function checkSums(account: Account, byKind: ReadonlyMap<EntryKind, number>): readonly Violation[] {
  const violations: Violation[] = [];
  const of = (kind: EntryKind): number => byKind.get(kind) ?? 0;
  const balance = account.availableMicro + account.heldMicro;
  const total = [...byKind.values()].reduce((sum, amount) => sum + amount, 0);
  if (balance !== total) {
    violations.push(
      fault('entries_do_not_sum_up', `available + held is ${balance}, the entries sum to ${total}`),
    );
  }
  const left = sumMicro(Object.values(account.grants).map((grant) => grant.remainingMicro));
  if (left - account.debtMicro !== balance) {
    violations.push(
      fault(
        'grants_do_not_sum_up',
        `grants hold ${left}, debt is ${account.debtMicro}, the balance ${balance}`,
      ),
    );
  }
  const prepaid = subtractMicro(left, overageLeft(account));
  if ((prepaid > 0 && account.debtMicro > 0) || account.debtMicro < 0) {
    violations.push(
      fault('debt_beside_credits', `grants hold ${prepaid} and the debt is ${account.debtMicro}`),
    );
  }
  // Claw-backs are left out: they alone may take what was spent already.
  const spent = -(of('charge') + of('debit') + of('expiry') + of('freeze') + of('release') + of('thaw'));
  if (spent > of('grant') + account.overdraftLimitMicro) {
    violations.push(fault('spent_more_than_granted', `${spent} was spent of ${of('grant')} granted`));
  }
  return violations;
}

function checkHolds(account: Account, lastSweepMs: number | undefined): readonly Violation[] {
  const holds = Object.values(account.holds);
  const held = sumMicro(holds.map((hold) => hold.amountMicro));
  const overdue = holds.filter(
    (h) => lastSweepMs !== undefined && h.expiresAtMs + HOLD_GRACE_MS < lastSweepMs,
  );
  return [
    ...(held === account.heldMicro
      ? []
      : [fault('holds_do_not_sum_up', `held is ${account.heldMicro}, the open holds sum to ${held}`)]),
    ...overdue.map((hold) => fault('hold_overdue', `${hold.id} is open though a sweep ran after its time`)),
  ];
}

/** What was taken back, frozen and left of each grant, against its entries. */
function checkGrants(
  account: Account,
  records: ReadonlyMap<GrantId, GrantRecord>,
  ofGrant: ReadonlyMap<string, number>,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const record of records.values()) {
    const of = (kind: EntryKind): number => ofGrant.get(`${record.id}/${kind}`) ?? 0;
    const left = account.grants[record.id]?.remainingMicro ?? 0;
    const agrees =
      of('grant') === record.amountMicro &&
      -(of('refund') + of('expiry')) === record.takenBackMicro &&
      -(of('freeze') + of('release') + of('thaw')) === record.frozenMicro &&
      left + record.frozenMicro + record.takenBackMicro <= record.amountMicro;
    if (!agrees) violations.push(fault('grant_record_differs', `${record.id} differs from its entries`));
  }
  for (const id of Object.keys(account.grants)) {
    if (![...records.keys()].some((known) => known === id)) {
      violations.push(fault('grant_record_differs', `${id} is open and has no record`));
    }
  }
  return violations;
}

/** What charges say that they burnt of overage, which is what gets invoiced, against what is gone of its grants. */
function checkOverage(
  account: Account,
  records: ReadonlyMap<GrantId, GrantRecord>,
  charged: number,
): readonly Violation[] {
  let burnt = 0;
  for (const { id, kind, amountMicro, takenBackMicro, frozenMicro } of records.values()) {
    if (kind !== 'overage') continue;
    burnt += amountMicro - takenBackMicro - frozenMicro - (account.grants[id]?.remainingMicro ?? 0);
  }
  if (burnt === charged) return [];
  return [fault('overage_differs', `${burnt} of overage is gone, the charges say ${charged}`)];
}

const MARKS_ITSELF = /^(usage|grant_expiry|overage_expiry)\//;

/** Every source but usage and expiry, whose entries mark themselves, has its mark, and no mark lacks its entry. */
function checkMarks(sources: ReadonlySet<string>, marked: ReadonlySet<string>): readonly Violation[] {
  const needed = [...sources].filter((key) => !MARKS_ITSELF.test(key));
  return [
    ...needed.filter((key) => !marked.has(key)).map((key) => fault('mark_differs', `${key} has no mark`)),
    ...[...marked]
      .filter((key) => !sources.has(key))
      .map((key) => fault('mark_differs', `${key} is marked and has no entry`)),
  ];
}

function checkRollups(
  expected: ReadonlyMap<string, UsageRollup>,
  stored: ReadonlyMap<string, UsageRollup>,
): readonly Violation[] {
  const keys = new Set([...expected.keys(), ...stored.keys()]);
  return [...keys]
    .filter((key) => !sameRollup(expected.get(key), stored.get(key)))
    .map((key) => fault('rollup_differs', `the roll-up ${key} is not the sum of its entries`));
}

const sameRollup = (a: UsageRollup | undefined, b: UsageRollup | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.calls === b.calls &&
  a.failedCalls === b.failedCalls &&
  a.inputTokens === b.inputTokens &&
  a.outputTokens === b.outputTokens &&
  a.computeMs === b.computeMs &&
  a.costMicro === b.costMicro;

type MonthSums = ReadonlyMap<string, { readonly units: number; readonly billedMicro: number }>;

/** Every total of a month is the sum of what its entries added, in units and in what was billed. */
function checkMonths(expected: MonthSums, stored: MonthSums): readonly Violation[] {
  const keys = new Set([...expected.keys(), ...stored.keys()]);
  return [...keys].flatMap((key) => {
    const [sum, total] = [expected.get(key), stored.get(key)];
    if (sum?.units === total?.units && sum?.billedMicro === total?.billedMicro) return [];
    return [fault('month_differs', `the total of the month ${key} is not the sum of its entries`)];
  });
}

function makeMonthSums() {
  const sums = new Map<string, { units: number; billedMicro: number }>();
  const addTo = (key: string, units: number, billedMicro: number): void => {
    const sum = sums.get(key) ?? { units: 0, billedMicro: 0 };
    sums.set(key, { units: sum.units + units, billedMicro: sum.billedMicro + billedMicro });
  };
  return {
    sums,
    addCharge: ({ counter, shares }: MonthlyCharge): void => {
      for (const { measure, used, amountMicro } of shares) addTo(`${counter} ${measure}`, used, amountMicro);
    },
    addTotals: ({ counter, totals }: MonthTotals): void => {
      for (const [measure, { units, billedMicro }] of Object.entries(totals))
        addTo(`${counter} ${measure}`, units, billedMicro);
    },
  };
}
