import type { KeyId } from '#core/shared/ids.ts';
import { type AccountLimits, type Counted, type Counter, LIMIT_KINDS, type LimitKind } from './types.ts';
import { periodAt, slotAt } from './windows.ts';

/** What an audit needs of an account. */
type Limited = {
  readonly limits?: AccountLimits;
  readonly holds: Readonly<
    Record<string, { readonly keyId: KeyId; readonly amountMicro: number; readonly counted?: Counted }>
  >;
};

/** What was charged in each period that a spend cap counts now, summed from the book. */
export type SpendFold = {
  readonly add: (keyId: KeyId, startedAtMs: number, chargedMicro: number) => void;
  readonly of: (scope: string, kind: LimitKind, period: string) => number;
};

export function makeSpendFold(limits: AccountLimits | undefined): SpendFold {
  const sums = new Map<string, number>();
  const name = (scope: string, kind: LimitKind, period: string): string => `${scope}/${kind}/${period}`;
  return {
    add: (keyId, startedAtMs, chargedMicro) => {
      for (const scope of ['tenant', keyId]) {
        for (const kind of ['day', 'month'] as const) {
          if (limits?.scopes[scope]?.[kind] === undefined) continue;
          const key = name(scope, kind, periodAt(kind, limits.timeZone, startedAtMs));
          sums.set(key, (sums.get(key) ?? 0) + chargedMicro);
        }
      }
    },
    of: (scope, kind, period) => sums.get(name(scope, kind, period)) ?? 0,
  };
}

/** Where the counters of an account's limits do not agree with its open holds and its book; empty when they do. */
export function checkLimits(account: Limited, spent: SpendFold): readonly string[] {
  const { limits } = account;
  if (limits === undefined) return [];
  const faults: string[] = [];
  for (const [scope, counters] of Object.entries(limits.scopes)) {
    for (const kind of LIMIT_KINDS) {
      const counter = counters[kind];
      if (counter === undefined) continue;
      const holds = Object.values(account.holds).filter(
        (hold) =>
          (scope === 'tenant' || hold.keyId === scope) && (hold.counted?.revision ?? 0) >= counter.since,
      );
      for (const fault of checkCounter({ limits, kind, counter, holds }, (period) =>
        spent.of(scope, kind, period),
      )) {
        faults.push(`${kind} of ${scope}: ${fault}`);
      }
    }
  }
  return faults;
}

type Checked = {
  readonly limits: AccountLimits;
  readonly kind: LimitKind;
  readonly counter: Counter;
  /** The open holds that count here. */
  readonly holds: readonly { readonly amountMicro: number; readonly counted?: Counted }[];
};

function checkCounter(
  { limits, kind, counter, holds }: Checked,
  spentIn: (period: string) => number,
): readonly string[] {
  const { sum, at } = counter;
  const ofHolds = (amount: (hold: Checked['holds'][number]) => number): number =>
    holds.reduce((total, hold) => total + amount(hold), 0);
  switch (kind) {
    case 'requests':
    case 'tokens': {
      const total = Object.values(at).reduce((all, n) => all + n, 0);
      const short = Object.entries(at).filter(
        ([slot, n]) =>
          kind === 'tokens' && n < ofHolds((h) => (inSlot(h, slot) ? (h.counted?.tokens ?? 0) : 0)),
      );
      return [
        ...(total === sum ? [] : [`the sum is ${sum}, the slots have ${total}`]),
        ...short.map(([slot, n]) => `slot ${slot} has ${n}, less than its open holds`),
      ];
    }
    case 'calls': {
      const running = ofHolds(({ counted }) =>
        counted?.tokens !== undefined && counted.ended !== true ? 1 : 0,
      );
      return running === sum ? [] : [`${sum} run, and ${running} holds are open whose calls have not ended`];
    }
    case 'day':
    case 'month':
      return Object.entries(at).flatMap(([period, counted]) => {
        const held = ofHolds((hold) =>
          periodAt(kind, limits.timeZone, hold.counted?.atMs ?? 0) === period ? hold.amountMicro : 0,
        );
        const expected = spentIn(period) + held;
        return counted === expected ? [] : [`${period} counts ${counted}, and ${expected} is spent or held`];
      });
  }
}

const inSlot = ({ counted }: Checked['holds'][number], slot: string): boolean =>
  counted !== undefined && slotAt(counted.atMs) === slot;
