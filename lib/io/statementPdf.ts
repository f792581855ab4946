import { measureText, type PageContext, pdf } from 'tinypdf';
import { formatCredits } from '#core/shared/money.ts';
import { lateFrom } from '#core/statements/statementCsv.ts';
import type { Statement, StatementLine } from '#core/statements/types.ts';

/** A4, in points. */
const PAGE = { width: 595, height: 842, margin: 48 };
const ROWS_A_PAGE = 36;
const ROW_HEIGHT = 16;
const TABLE_TOP = 640;
const TEXT = 9;
const GREY = '#666666';
const RULE = '#cccccc';

type Column = {
  readonly title: string;
  readonly x: number;
  readonly width: number;
  readonly right?: true;
  readonly of: (line: StatementLine, month: string) => string;
};

const COLUMNS: readonly Column[] = [
  { title: 'Day', x: 48, width: 60, of: ({ day }) => day },
  { title: 'Kind', x: 112, width: 48, of: ({ kind }) => kind },
  { title: 'Source', x: 164, width: 62, of: ({ sourceKind }) => sourceKind },
  { title: 'Model', x: 230, width: 140, of: ({ model }) => model ?? '' },
  { title: 'Entries', x: 374, width: 46, right: true, of: ({ entries }) => String(entries) },
  { title: 'Late from', x: 428, width: 46, of: (line, month) => lateFrom(line, month) ?? '' },
  { title: 'Credits', x: 477, width: 70, right: true, of: ({ amountMicro }) => formatCredits(amountMicro) },
];

/**
 * A statement as a PDF for people to file. It consists of characters alone, so that it travels as text. What proves
 * it is the statement file; the last hash of the chain stands at the end of both.
 */
export function statementPdf(statement: Statement): string {
  const document = pdf();
  const { lines } = statement;
  const pages = Math.max(1, Math.ceil(lines.length / ROWS_A_PAGE));
  for (let page = 0; page < pages; page += 1) {
    document.page(PAGE.width, PAGE.height, (context) => {
      drawHead(context, statement);
      drawTable(context, lines.slice(page * ROWS_A_PAGE, (page + 1) * ROWS_A_PAGE), statement.month);
      drawFoot(context, statement, `Page ${page + 1} of ${pages}`);
    });
  }
  return new TextDecoder().decode(document.build());
}

function drawHead(context: PageContext, statement: Statement): void {
  const { margin, width } = PAGE;
  const inner = width - 2 * margin;
  const open = statement.status === 'open' ? ' (open: not final)' : '';
  context.text('Statement of credits', margin, 780, 18);
  context.text(`${statement.month}${open}`, margin, 780, 12, { align: 'right', width: inner });
  context.text(statement.tenantId, margin, 760, TEXT, { color: GREY });
  context.text('All times are UTC.', margin, 760, TEXT, { color: GREY, align: 'right', width: inner });
  const balances = [
    ['Opening balance', formatCredits(statement.openingMicro)],
    ['Closing balance', formatCredits(statement.closingMicro)],
  ] as const;
  balances.forEach(([title, amount], index) => {
    const y = 724 - index * 18;
    context.text(title, margin, y, 11);
    context.text(amount, margin, y, 11, { align: 'right', width: inner });
  });
  context.line(margin, 692, width - margin, 692, RULE);
}

function drawTable(context: PageContext, lines: readonly StatementLine[], month: string): void {
  const row = (y: number, textOf: (column: Column) => string, color: string): void => {
    for (const column of COLUMNS) {
      const { x, width } = column;
      const place = column.right === true ? { align: 'right' as const, width } : {};
      context.text(fitInto(textOf(column), width), x, y, TEXT, { color, ...place });
    }
  };
  row(TABLE_TOP + 24, ({ title }) => title, GREY);
  lines.forEach((line, index) => {
    row(TABLE_TOP - index * ROW_HEIGHT + 4, (column) => column.of(line, month), '#000000');
  });
  if (lines.length === 0) context.text('Nothing happened in this month.', PAGE.margin, TABLE_TOP, TEXT);
}

function drawFoot(context: PageContext, { seals }: Statement, pageText: string): void {
  const { margin, width } = PAGE;
  const last = seals.at(-1)?.seal;
  const proof =
    last === undefined ? 'Not sealed yet.' : `Sealed until ${last.to}, chain ${last.headHash.slice(0, 32)}`;
  context.text(proof, margin, 32, 7, { color: GREY });
  context.text(pageText, margin, 32, 7, { color: GREY, align: 'right', width: width - 2 * margin });
}

/** The font has no other characters; what is too long for its column ends with dots. */
function fitInto(text: string, width: number): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  if (measureText(plain, TEXT) <= width) return plain;
  let length = plain.length;
  while (length > 0 && measureText(`${plain.slice(0, length)}...`, TEXT) > width) length -= 1;
  return `${plain.slice(0, length)}...`;
}
