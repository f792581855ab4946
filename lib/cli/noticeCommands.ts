import type { Command } from 'commander';
import { pageOptions } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const COLUMNS: readonly Column[] = [
  { title: 'TIME (UTC)', field: 'created_at', as: 'time' },
  { title: 'TO', field: 'to' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'SUBJECT', field: 'subject' },
  { title: 'STATE', field: 'state' },
  { title: 'ATTEMPTS', field: 'attempts', align: 'right' },
  { title: 'LAST ERROR', field: 'last_error' },
];

type Options = { readonly state: string; readonly limit?: string; readonly cursor?: string };

/** `tunegate notices` */
export function addNoticeCommands(program: Command, open: OpenSession): void {
  pageOptions(program.command('notices').description('list notices by their state, newest first'))
    .option('--state <state>', 'due, sent, failed or unaddressed', 'failed')
    .action(async ({ state, limit, cursor }: Options, command: Command) => {
      const { api, print } = open(command);
      const list = await api.call('GET', '/admin/notices', { query: { state, limit, cursor } });
      print.list(list, COLUMNS, `No notice is ${state}.`);
    });
}
