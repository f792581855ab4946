import type { TenantId } from '#core/shared/ids.ts';
import type { Cause, Difference, Pair, PairTotals } from './types.ts';

export type Compared = { readonly totals: PairTotals; readonly differences: readonly Difference[] };

/** What each side has under an id: all of its amounts, so that one that is there twice is seen. */
export type Side = ReadonlyMap<string, readonly number[]>;

/** Gathers amounts by id. */
export function sideOf(items: Iterable<readonly [string, number]>): Side {
  const side = new Map<string, number[]>();
  for (const [id, amount] of items) {
    const known = side.get(id);
    if (known === undefined) side.set(id, [amount]);
    else known.push(amount);
  }
  return side;
}

/**
 * Holds two books against each other, id by id. `explain` names the cause of a difference from what else is known;
 * a side that has an id twice is never explained. Differences are in the order of their ids.
 */
export function compareAmounts(
  pair: Pair,
  sides: { readonly left: Side; readonly right: Side; readonly tenantId: TenantId | null },
  explain: (id: string) => { readonly cause: Cause; readonly note: string } | undefined,
): Compared {
  const { left, right, tenantId } = sides;
  const ids = [...new Set([...left.keys(), ...right.keys()])].sort();
  const differences: Difference[] = [];
  for (const id of ids) {
    const [mine, theirs] = [left.get(id) ?? [], right.get(id) ?? []];
    const [leftMicro, rightMicro] = [sumOf(mine), sumOf(theirs)];
    if (mine.length === 1 && theirs.length === 1 && leftMicro === rightMicro) continue;
    const isTwice = mine.length > 1 || theirs.length > 1;
    const { cause, note } = (isTwice ? undefined : explain(id)) ?? {
      cause: 'unknown',
      note: isTwice ? 'there more than once' : noteOf(mine, theirs),
    };
    differences.push({
      pair,
      id,
      tenantId,
      leftMicro: mine.length === 0 ? null : leftMicro,
      rightMicro: theirs.length === 0 ? null : rightMicro,
      cause,
      note,
    });
  }
  return {
    differences,
    totals: { pair, compared: ids.length, leftMicro: totalOf(left), rightMicro: totalOf(right) },
  };
}

const noteOf = (mine: readonly number[], theirs: readonly number[]): string =>
  mine.length === 0 ? 'only on the right' : theirs.length === 0 ? 'only on the left' : 'not the same amount';

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);
const totalOf = (side: Side): number => [...side.values()].reduce((sum, amounts) => sum + sumOf(amounts), 0);
