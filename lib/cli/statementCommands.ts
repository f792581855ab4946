import { createReadStream } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { EXIT_CODES } from './cliError.ts';
import type { Column } from './print.ts';
import type { OpenSession, Session } from './session.ts';
import { type VerifyOptions, verifyFile } from './verifyFile.ts';

const LINE_COLUMNS: readonly Column[] = [
  { title: 'DAY', field: 'day' },
  { title: 'KIND', field: 'kind' },
  { title: 'SOURCE', field: 'source' },
  { title: 'MODEL', field: 'model' },
  { title: 'ENTRIES', field: 'entries', align: 'right' },
  { title: 'AMOUNT', field: 'amount', align: 'right' },
  { title: 'LATE FROM', field: 'late_from' },
];
const SUMMARY: readonly Column[] = [
  { title: 'MONTH', field: 'month' },
  { title: 'STATUS', field: 'status' },
  { title: 'OPENING', field: 'opening' },
  { title: 'CLOSING', field: 'closing' },
  { title: 'SEALED UNTIL', field: 'sealed_until' },
  { title: 'RECEIPTS', field: 'receipts' },
];
const SEALED: readonly Column[] = [
  { title: 'SEALS ADDED', field: 'seals' },
  { title: 'SEALED UNTIL', field: 'sealed_until' },
  { title: 'RECEIPTS', field: 'receipts' },
];
/** A billion receipts. */
const MAX_PAGES = 1_000_000;

type StatementOptions = { readonly month?: string; readonly output?: string };

/** `tunegate statement`, `tunegate seal` and `tunegate verify` */
export function addStatementCommands(
  program: Command,
  open: OpenSession,
  terminal: { readonly write: (text: string) => void },
  exitWith: (code: number) => void,
): void {
  program
    .command('statement')
    .description("show a month of a tenant's credits, or write it with all receipts to a file")
    .argument('<tenant>', 'its id or name')
    .option('--month <month>', 'such as 2026-11 (UTC); without it the running one')
    .option('--output <file>', 'write the signed file that `tunegate verify` checks')
    .action(async (tenant: string, { month, output }: StatementOptions, command: Command) => {
      const session = open(command);
      const path = `${await session.tenantPath(tenant)}/credits`;
      if (output !== undefined) return writeFile(session, path, { month, output });
      const body = await session.api.call('GET', `${path}/statement`, { query: { month } });
      session.print.record(body, SUMMARY);
      session.print.list({ data: body['lines'] }, LINE_COLUMNS, 'Nothing happened in this month.');
    });

  program
    .command('seal')
    .description(
      'close a book up to now, so that all of it can be verified; by itself it is closed hours behind',
    )
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      print.record(await api.call('POST', `${await tenantPath(tenant)}/seals`), SEALED);
    });

  program
    .command('verify')
    .description(
      'check a statement file, offline: that it is signed, and no receipt was changed, left out or added',
    )
    .argument('<file>', 'what `tunegate statement --output` wrote')
    .option(
      '--public-key <key...>',
      "the agency's keys, from GET /v1/statement-keys; without them the file's own are believed",
    )
    .action(async (file: string, { publicKey }: { publicKey?: readonly string[] }, command: Command) => {
      const options: VerifyOptions = {
        bytes: createReadStream(file),
        trusted: publicKey,
        json: command.optsWithGlobals<{ json?: boolean }>().json === true,
        write: terminal.write,
      };
      exitWith((await verifyFile(file, options)) ? 0 : EXIT_CODES.refused);
    });
}

async function writeFile(
  { api, print }: Session,
  path: string,
  { month, output }: { readonly month: string | undefined; readonly output: string },
): Promise<void> {
  const file = await openFile(output, 'w', 0o600);
  try {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const body = await api.call('GET', `${path}/receipts`, { query: { month, cursor } });
      const lines = Array.isArray(body['data']) ? body['data'] : [];
      await file.write(lines.map((line) => `${String(line)}\n`).join(''));
      if (typeof body['next_cursor'] !== 'string') break;
      cursor = body['next_cursor'];
    }
  } finally {
    await file.close();
  }
  print.say(`Written to ${output}. Check it with: tunegate verify ${output}`);
}
