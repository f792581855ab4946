import Table from 'cli-table3';
import type { reportDocument } from '#core/datasets/reportDocument.ts';

type Document = ReturnType<typeof reportDocument>;

const ANSWER_WIDTH = 60;
const SHOWN_CLASSES = 20;

/** A dataset's report for people: the verdict, the statistics, then every mistake that is shown. */
export function printReport(report: Document, write: (text: string) => void): void {
  const { errors, statistics } = report;
  write(
    report.valid
      ? `${report.file}: ${statistics.examples} examples, no mistakes.\n\n`
      : `${report.file}: ${counted(errors.count, 'mistake')} in ${counted(report.lines, 'line')}.\n\n`,
  );
  for (const [title, text] of facts(report)) write(`${title.padEnd(18)}${text}\n`);
  if (statistics.classes !== null) write(`\n${classTable(statistics.classes.slice(0, SHOWN_CLASSES))}\n`);
  for (const fault of errors.data) write(`\n${faultText(fault)}`);
  if (errors.count > errors.shown) write(`\n${errors.count - errors.shown} more are not shown.\n`);
}

function facts({ bytes, lines, statistics }: Document): readonly (readonly [string, string])[] {
  const { tokens, duplicates, pii } = statistics;
  const found = Object.entries(pii).filter(([, count]) => count > 0);
  return [
    ['size', `${bytes} bytes, ${lines} lines`],
    ['examples', `${statistics.examples} (${statistics.converted} converted from prompt and completion)`],
    ...(tokens === null
      ? []
      : ([
          ['tokens', `${tokens.total} by ${tokens.base_model}, longest ${tokens.longest}`],
          [
            'too long',
            tokens.over_context === 0
              ? 'none'
              : `${counted(tokens.over_context, 'example')} for the model's context`,
          ],
          ['lengths', tokens.histogram.map(({ up_to, examples }) => `≤${up_to}: ${examples}`).join('  ')],
        ] as const)),
    ['duplicates', `${duplicates.exact} exact, ${duplicates.near} near`],
    [
      'personal data',
      found.length === 0 ? 'none found' : found.map(([kind, count]) => `${kind} in ${count}`).join(', '),
    ],
  ];
}

const classTable = (classes: NonNullable<Document['statistics']['classes']>): string =>
  plainTable(
    ['ANSWER', 'EXAMPLES'],
    classes.map(({ answer, examples }) => [printable(answer), String(examples)]),
  );

/** Two lines rather than a table: nothing is cut, however narrow the terminal is. */
const faultText = ({ line, message, fix }: Document['errors']['data'][number]): string =>
  `line ${line}: ${printable(message)}\n  ${printable(fix)}\n`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colWidths: [ANSWER_WIDTH, 12],
    wordWrap: true,
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** What stands in the file must not reach the terminal as control characters. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '�');
