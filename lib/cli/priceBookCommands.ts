import { type Command, InvalidArgumentError } from 'commander';
import type { JsonObject } from './apiClient.ts';
import { type LintOptions, lintBody, lintOptions } from './lintOptions.ts';
import { type Page, pageOptions, reasonOption } from './options.ts';
import { versionPath } from './priceBooks.ts';
import { type Column, rowsOf } from './print.ts';
import { readJsonFile } from './readJsonFile.ts';
import type { OpenSession, Session } from './session.ts';

const COLUMNS: readonly Column[] = [
  { title: 'BOOK', field: 'id' },
  { title: 'VERSION', field: 'version', align: 'right' },
  { title: 'STATUS', field: 'status' },
  { title: 'EFFECTIVE FROM (UTC)', field: 'effective_from' },
  { title: 'KIND', field: 'kind' },
  { title: 'ORIGIN', field: 'origin' },
];
const WARNINGS: readonly Column[] = [
  { title: 'PLACE', field: 'path' },
  { title: 'WARNING', field: 'message' },
];

type Reason = { readonly reason?: string };
type Push = Reason & LintOptions & { readonly version?: string };
type Publish = Reason & LintOptions & { readonly from?: string };

const BOOK_FILE = 'JSON: {"id": …, "prices": […]} or {"id": …, "experiment": {…}}';

/** `tunegate price list|show|check|push|publish|withdraw`: the books that calls are priced by. */
export function addPriceBookCommands(price: Command, open: OpenSession): void {
  pageOptions(price.command('list').description('list every version of every price book'))
    .option('--book <id>', 'of this book alone')
    .action(async (options: Page & { readonly book?: string }, command: Command) => {
      const { api, print } = open(command);
      const { limit, cursor, book } = options;
      const body = await api.call('GET', '/admin/price-books', { query: { limit, cursor, book } });
      print.list(body, COLUMNS, 'There are no price books.');
    });

  price
    .command('show')
    .description('show one version of a price book, and what might be mended')
    .argument('<book>', 'its id')
    .argument('<version>', 'its number', wholeNumber)
    .action(async (id: string, version: string, _: object, command: Command) => {
      const session = open(command);
      const body = await session.api.call('GET', versionPath({ id, version }));
      printBook(session, body);
      session.print.say(JSON.stringify({ prices: body['prices'], experiment: body['experiment'] }, null, 2));
    });

  lintOptions(price.command('check').description('say what to mend in a book, and keep nothing'))
    .argument('<file>', BOOK_FILE)
    .action(async (file: string, options: LintOptions, command: Command) => {
      const { api, print } = open(command);
      const body = { ...readJsonFile(file), lint: lintBody(options) };
      const { warnings } = await api.call('POST', '/admin/price-books/lint', { body });
      print.list({ object: 'list', data: warnings }, WARNINGS, 'Nothing to mend.');
    });

  lintOptions(
    reasonOption(price.command('push').description('keep a book as a draft, which nothing is priced by yet')),
  )
    .argument('<file>', BOOK_FILE)
    .option('--version <number>', 'put it in the place of this draft of the book', wholeNumber)
    .action(async (file: string, options: Push, command: Command) => {
      const session = open(command);
      const { id, ...lines } = readJsonFile(file);
      const { version, reason } = options;
      const said = { ...lines, reason, lint: lintBody(options) };
      const body = await (version === undefined
        ? session.api.call('POST', '/admin/price-books', { body: { id, ...said } })
        : session.api.call('PUT', versionPath({ id: String(id), version }), { body: said }));
      printBook(session, body);
      session.print.say(
        `\nNothing is priced by it yet: tunegate price publish ${body['id']} ${body['version']}`,
      );
    });

  lintOptions(
    reasonOption(price.command('publish').description('publish a draft; from then on it stays as it is')),
  )
    .argument('<book>', 'its id')
    .argument('<version>', 'its number', wholeNumber)
    .option('--from <time>', 'when it comes in force, such as 2026-12-01T00:00:00Z (default: in two minutes)')
    .action(async (id: string, version: string, options: Publish, command: Command) => {
      const session = open(command);
      const body = { effective_from: options.from, reason: options.reason, lint: lintBody(options) };
      const path = `${versionPath({ id, version })}/publish`;
      printBook(session, await session.api.call('POST', path, { body }));
    });

  reasonOption(
    price.command('withdraw').description('make a draft again of a version that is not in force yet'),
  )
    .argument('<book>', 'its id')
    .argument('<version>', 'its number', wholeNumber)
    .action(async (id: string, version: string, { reason }: Reason, command: Command) => {
      const session = open(command);
      const path = `${versionPath({ id, version })}/withdraw`;
      printBook(session, await session.api.call('POST', path, { body: { reason } }));
    });
}

function printBook({ print }: Session, body: JsonObject): void {
  print.record(body, COLUMNS);
  const warnings = { data: body['warnings'] };
  if (rowsOf(warnings).length > 0) print.part(warnings, WARNINGS, '');
}

function wholeNumber(text: string): string {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return text;
}
