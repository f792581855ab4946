import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { CliError } from './cliError.ts';
import { type Page, pageOptions } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

type Adjust = { readonly reason: string; readonly idempotencyKey?: string };

const ACCOUNT_COLUMNS: readonly Column[] = [
  { title: 'AVAILABLE', field: 'account.available' },
  { title: 'HELD', field: 'account.held' },
  { title: 'DEBT', field: 'account.debt' },
];

const ENTRY_COLUMNS: readonly Column[] = [
  { title: 'TIME (UTC)', field: 'created_at', as: 'time' },
  { title: 'KIND', field: 'kind' },
  { title: 'AMOUNT', field: 'amount', align: 'right' },
  { title: 'SOURCE', field: 'source.kind' },
  { title: 'MODEL', field: 'usage.model' },
  { title: 'REASON', field: 'reason' },
  { title: 'ACTOR', field: 'actor' },
];

const REFILL_COLUMNS: readonly Column[] = [
  { title: 'STATUS', field: 'status' },
  { title: 'STOPPED BECAUSE', field: 'stopped_because' },
  { title: 'THRESHOLD', field: 'threshold', align: 'right' },
  { title: 'PACK', field: 'pack_id' },
  { title: 'THIS MONTH', field: 'refills_this_month', align: 'right' },
  { title: 'LIMIT', field: 'monthly_limit', align: 'right' },
  { title: 'NEXT ATTEMPT (UTC)', field: 'next_attempt_at', as: 'time' },
];

const ENDED_REFILLS: readonly Column[] = [
  { title: 'ENDED (UTC)', field: 'ended_at', as: 'time' },
  { title: 'OUTCOME', field: 'outcome' },
  { title: 'PACK', field: 'pack_id' },
  { title: 'PRICE', field: 'price', as: 'money', align: 'right' },
  { title: 'PAYMENT', field: 'payment' },
  { title: 'DETAIL', field: 'detail' },
];

const AMOUNT = /^\+?\d{1,9}(\.\d{1,6})?$/;

/** `tunegate credits …` */
export function addCreditCommands(program: Command, open: OpenSession): void {
  const credits = program.command('credits').description("a tenant's credits");

  credits
    .command('show')
    .description('show available and held credits')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      print.record(await api.call('GET', await tenantPath(tenant)), ACCOUNT_COLUMNS);
    });

  const adjust = (verb: string, sign: '' | '-', description: string) =>
    credits
      .command(verb)
      .description(description)
      .argument('<tenant>', 'its id or name')
      .argument('<amount>', 'credits, such as 25 or 0.5')
      .requiredOption('--reason <text>', 'why, for the account book and the audit log')
      .option('--idempotency-key <key>', 'makes a repeat of this very adjustment harmless')
      .action(async (tenant: string, amount: string, options: Adjust, command: Command) => {
        if (!AMOUNT.test(amount)) {
          throw new CliError('usage', `not an amount of credits: ${amount}`, 'Give one such as 25 or 0.5.');
        }
        const { api, print, tenantPath } = open(command);
        const adjusted = await api.call('POST', `${await tenantPath(tenant)}/credits`, {
          body: { amount: `${sign}${amount.replace('+', '')}`, reason: options.reason },
          headers: { 'idempotency-key': options.idempotencyKey ?? randomUUID() },
        });
        print.record(adjusted, [
          { title: 'AMOUNT', field: 'amount' },
          { title: 'OUTCOME', field: 'outcome' },
          ...ACCOUNT_COLUMNS,
        ]);
      });
  adjust('grant', '', 'give credits');
  adjust('take', '-', 'take credits, never below zero');

  credits
    .command('refill')
    .description('show when credits are bought by themselves, and how that goes')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const refill = await api.call('GET', `${await tenantPath(tenant)}/auto_refill`);
      print.record(refill, REFILL_COLUMNS);
      print.part({ data: refill['ended'] }, ENDED_REFILLS, 'None was bought yet.');
    });

  pageOptions(credits.command('entries').description('list the account book, newest first'))
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, { limit, cursor }: Page, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const path = `${await tenantPath(tenant)}/credits/entries`;
      print.list(await api.call('GET', path, { query: { limit, cursor } }), ENTRY_COLUMNS, 'No entries yet.');
    });
}
