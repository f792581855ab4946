import type { Command } from 'commander';
import { CliError } from './cliError.ts';
import { parseDuration } from './duration.ts';
import { type Page, pageOptions, reasonOption } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

type Reason = { readonly reason?: string };

const TENANT_COLUMNS: readonly Column[] = [
  { title: 'ID', field: 'id' },
  { title: 'NAME', field: 'name' },
  { title: 'STATUS', field: 'status' },
  { title: 'PRICE BOOK', field: 'price_book' },
  { title: 'CREATED (UTC)', field: 'created_at', as: 'time' },
];

const TENANT_FIELDS: readonly Column[] = [
  ...TENANT_COLUMNS,
  { title: 'ENDPOINT', field: 'endpoint' },
  { title: 'DODO CUSTOMER', field: 'dodo_customer_id' },
];

const STANDING_FIELDS: readonly Column[] = [
  ...TENANT_FIELDS,
  { title: 'SUSPENDED BECAUSE', field: 'suspended_because' },
  { title: 'UNPAID UNTIL (UTC)', field: 'reprieve.until', as: 'time' },
];

const ACCOUNT_FIELDS: readonly Column[] = [
  { title: 'AVAILABLE', field: 'account.available' },
  { title: 'HELD', field: 'account.held' },
  { title: 'DEBT', field: 'account.debt' },
  { title: 'OPEN HOLDS', field: 'account.open_holds' },
];

/** `tunegate tenants …` */
export function addTenantCommands(program: Command, open: OpenSession): void {
  const tenants = program.command('tenants').description('the clients that you sell to');

  pageOptions(tenants.command('list').description('list tenants, oldest first')).action(
    async (options: Page, command: Command) => {
      const { api, print } = open(command);
      const { limit, cursor } = options;
      const body = await api.call('GET', '/admin/tenants', { query: { limit, cursor } });
      print.list(body, TENANT_COLUMNS, 'No tenants yet. `tunegate tenants create <name>` makes one.');
    },
  );

  reasonOption(tenants.command('create').description('create a tenant with an empty account'))
    .argument('<name>', "the client's name")
    .option('--price-book <id>', 'what rates its calls (default: the first price book)')
    .action(async (name: string, options: Reason & { readonly priceBook?: string }, command: Command) => {
      const { api, print } = open(command);
      const body = { name, price_book: options.priceBook, reason: options.reason };
      print.record(await api.call('POST', '/admin/tenants', { body }), TENANT_FIELDS);
    });

  tenants
    .command('show')
    .description('show a tenant and its account')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      print.record(await api.call('GET', await tenantPath(tenant)), [...STANDING_FIELDS, ...ACCOUNT_FIELDS]);
    });

  const changeStatus = (verb: string, status: string, description: string) =>
    reasonOption(tenants.command(verb).description(description))
      .argument('<tenant>', 'its id or name')
      .action(async (tenant: string, options: Reason, command: Command) => {
        const { api, print, tenantPath } = open(command);
        const body = { status, reason: options.reason };
        print.record(await api.call('PATCH', await tenantPath(tenant), { body }), STANDING_FIELDS);
      });
  changeStatus('suspend', 'suspended', 'stop its calls; credits, keys and data stay');
  reasonOption(tenants.command('resume').description('let a suspended tenant call again'))
    .argument('<tenant>', 'its id or name')
    .option(
      '--for <duration>',
      'how long if it has not paid, such as 14d (default: until the next payment that fails)',
      parseDuration,
    )
    .action(async (tenant: string, options: Reason & { readonly for?: number }, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const { for: seconds, reason } = options;
      const until = seconds === undefined ? undefined : Math.ceil(Date.now() / 1000) + seconds;
      const body = { status: 'active', resume_until: until, reason };
      print.record(await api.call('PATCH', await tenantPath(tenant), { body }), STANDING_FIELDS);
    });

  reasonOption(tenants.command('endpoint').description('deploy its adapters on an endpoint of its own'))
    .argument('<tenant>', 'its id or name')
    .argument('<endpoint>', 'the short name of the endpoint; "shared" for the one that all share')
    .action(async (tenant: string, endpoint: string, options: Reason, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const body = { endpoint: endpoint === 'shared' ? null : endpoint, reason: options.reason };
      print.record(await api.call('PATCH', await tenantPath(tenant), { body }), TENANT_FIELDS);
    });

  reasonOption(tenants.command('close').description('close a tenant for good'))
    .argument('<tenant>', 'its id or name')
    .option('--yes', 'really: closing cannot be undone')
    .action(async (tenant: string, options: Reason & { readonly yes?: boolean }, command: Command) => {
      if (options.yes !== true) {
        throw new CliError(
          'usage',
          'closing a tenant cannot be undone',
          'Add --yes to do it, or use suspend.',
        );
      }
      const { api, print, tenantPath } = open(command);
      const body = { status: 'closed', reason: options.reason };
      print.record(await api.call('PATCH', await tenantPath(tenant), { body }), TENANT_FIELDS);
    });
}
