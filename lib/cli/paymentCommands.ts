import type { Command } from 'commander';
import { pageOptions } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const PAYMENT_COLUMNS: readonly Column[] = [
  { title: 'TIME (UTC)', field: 'created_at', as: 'time' },
  { title: 'PAYMENT', field: 'id' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'OUTCOME', field: 'outcome' },
  { title: 'REASON', field: 'reason' },
  { title: 'REVIEW', field: 'review', as: 'list' },
  { title: 'AMOUNT', field: 'total', as: 'money', align: 'right' },
];

/** `tunegate payments` */
export function addPaymentCommands(program: Command, open: OpenSession): void {
  pageOptions(program.command('payments').description('list payments that need a person, newest first'))
    .option('--settled', 'list those that need nobody instead')
    .action(
      async (
        options: { readonly limit?: string; readonly cursor?: string; readonly settled?: true },
        command: Command,
      ) => {
        const { api, print } = open(command);
        const { limit, cursor, settled } = options;
        const query = { limit, cursor, attention: settled === true ? 'false' : 'true' };
        print.list(
          await api.call('GET', '/admin/payments', { query }),
          PAYMENT_COLUMNS,
          settled === true ? 'No payments yet.' : 'No payment needs a person.',
        );
      },
    );
}
