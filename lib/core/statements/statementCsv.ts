import { formatCredits } from '#core/shared/money.ts';
import type { Statement, StatementLine } from './types.ts';

const TITLES = [
  'day',
  'kind',
  'source',
  'model',
  'entries',
  'amount',
  'input_tokens',
  'output_tokens',
  'late_from',
];

/**
 * A statement as CSV (RFC 4180): a row for the opening balance, one a line, one for the closing balance. The amounts
 * of all rows but the last add up to the last.
 */
export function statementCsv(statement: Statement): string {
  const balance = (kind: string, micro: Statement['openingMicro']) => [
    '',
    kind,
    '',
    '',
    '',
    formatCredits(micro),
  ];
  const rows = [
    TITLES,
    balance('opening', statement.openingMicro),
    ...statement.lines.map((line) => rowOf(line, statement.month)),
    balance('closing', statement.closingMicro),
  ];
  return rows.map((row) => `${TITLES.map((_, index) => row[index] ?? '').join(',')}\r\n`).join('');
}

const rowOf = (line: StatementLine, month: string): readonly string[] => [
  line.day,
  line.kind,
  line.sourceKind,
  cell(line.model ?? ''),
  String(line.entries),
  formatCredits(line.amountMicro),
  String(line.inputTokens),
  String(line.outputTokens),
  lateFrom(line, month) ?? '',
];

/** The month that a line belongs to by its day, when that is another than its statement's. */
export const lateFrom = ({ day }: StatementLine, month: string): string | undefined =>
  day.startsWith(month) ? undefined : day.slice(0, 7);

/** A text from outside: quoted where it must be, and never a formula to a spreadsheet. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
