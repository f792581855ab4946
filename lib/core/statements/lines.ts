import { addMicro } from '#core/shared/money.ts';
import type { Receipt, StatementLine } from './types.ts';

/** Sums receipts into lines, one at a time: what is kept is one line a day, kind, source and model. */
export function makeLineSum() {
  const lines = new Map<string, StatementLine>();
  return {
    add: (line: StatementLine) => {
      const key = keyOf(line);
      const sum = lines.get(key);
      lines.set(key, sum === undefined ? line : addLines(sum, line));
    },
    lines: (): readonly StatementLine[] =>
      [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line),
  };
}

/** A receipt as a line of its own. */
export const lineOf = ({ at, kind, source, usage, amountMicro }: Receipt): StatementLine => ({
  day: at.slice(0, 10),
  kind,
  sourceKind: source.kind,
  model: usage?.model ?? null,
  entries: 1,
  amountMicro,
  inputTokens: usage?.inputTokens ?? 0,
  outputTokens: usage?.outputTokens ?? 0,
});

const keyOf = ({ day, kind, sourceKind, model }: StatementLine): string =>
  JSON.stringify([day, kind, sourceKind, model]);

const addLines = (a: StatementLine, b: StatementLine): StatementLine => ({
  ...a,
  entries: a.entries + b.entries,
  amountMicro: addMicro(a.amountMicro, b.amountMicro),
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
});
