import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod/mini';
import { CliError } from './cliError.ts';
import type { Column } from './print.ts';
import { readAwsCosts } from './readAwsCosts.ts';
import type { OpenSession } from './session.ts';

const POLL_MS = 1_000;
const MAX_POLLS = 900;

const COLUMNS: readonly Column[] = [
  { title: 'BOOKS', field: 'pair' },
  { title: 'WHAT', field: 'id' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'LEFT', field: 'left', align: 'right' },
  { title: 'RIGHT', field: 'right', align: 'right' },
  { title: 'CAUSE', field: 'cause' },
  { title: 'NOTE', field: 'note' },
];

const Reports = z.object({
  data: z.array(
    z.looseObject({
      ran_at: z.number(),
      unknown: z.number(),
      differences: z.array(z.unknown()),
      unread: z.array(z.object({ pair: z.string(), why: z.string() })),
    }),
  ),
});
const Requested = z.object({ day: z.string(), requested_at: z.number() });

type Options = { readonly day?: string; readonly awsCosts?: string };

/** `tunegate reconcile`: exits with 1 when a difference has no cause. */
export function addReconcileCommand(
  program: Command,
  open: OpenSession,
  exitWith: (code: number) => void,
): void {
  program
    .command('reconcile')
    .description('hold the books of a day against each other: gateway, ledger, Dodo and AWS')
    .option('--day <day>', 'a day of UTC (default: yesterday)')
    .option(
      '--aws-costs <path>',
      'a cost and usage export of AWS to take in first: a file or its folder (CSV, CSV.gz or Parquet)',
    )
    .action(async ({ day, awsCosts }: Options, command: Command) => {
      const { api, print } = open(command);
      if (awsCosts !== undefined) {
        const month = (day ?? new Date().toISOString()).slice(0, 7);
        await api.call('PUT', '/admin/aws-costs', { body: await readAwsCosts(awsCosts, month) });
      }
      const asked = Requested.parse(
        await api.call('POST', '/admin/reconciliation', { body: day === undefined ? {} : { day } }),
      );
      for (let poll = 0; poll < MAX_POLLS; poll += 1) {
        const query = { day: asked.day };
        const [report] = Reports.parse(await api.call('GET', '/admin/reconciliation', { query })).data;
        if (report !== undefined && report.ran_at >= asked.requested_at) {
          print.list(
            { ...report, object: 'list', data: report.differences, has_more: false, next_cursor: null },
            COLUMNS,
            `The books of ${asked.day} ${report.unread.length === 0 ? 'agree.' : 'that could be read agree.'}`,
          );
          for (const { pair, why } of report.unread) print.say(`Not compared: ${pair}: ${why}`);
          if (report.unknown > 0) exitWith(1);
          return;
        }
        await sleep(POLL_MS);
      }
      throw new CliError(
        'refused',
        'the reconciliation did not end',
        'GET /admin/reconciliation shows it later.',
      );
    });
}
