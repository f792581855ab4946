import type { Command } from 'commander';
import { type Page, pageOptions } from './options.ts';
import { type Column, rowsOf } from './print.ts';
import type { OpenSession } from './session.ts';

const RECORD_COLUMNS: readonly Column[] = [
  { title: 'TIME (UTC)', field: 'created_at', as: 'time' },
  { title: 'ACTOR', field: 'actor' },
  { title: 'ACTION', field: 'action' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'REASON', field: 'reason' },
  { title: 'DETAILS', field: 'details' },
];

/** `tunegate status` and `tunegate audit-log` */
export function addOverviewCommands(program: Command, open: OpenSession): void {
  program
    .command('status')
    .description('say whether the API answers and the admin key opens it')
    .action(async (_: object, command: Command) => {
      const { api, print } = open(command);
      const health = await api.call('GET', '/healthz');
      const tenants = await api.call('GET', '/admin/tenants', { query: { limit: '100' } });
      const status = {
        url: api.baseUrl,
        status: health['status'],
        tenants: rowsOf(tenants).length,
        more_tenants: tenants['has_more'] === true,
      };
      print.record(status, [
        { title: 'URL', field: 'url' },
        { title: 'STATUS', field: 'status' },
        { title: 'TENANTS', field: 'tenants' },
      ]);
      if (status.more_tenants) print.say('There are more tenants than these.');
    });

  pageOptions(program.command('audit-log').description('list what the agency did and why, newest first'))
    .option('--tenant <tenant>', 'of one tenant, by id or name')
    .action(async (options: Page & { readonly tenant?: string }, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const tenant =
        options.tenant === undefined ? undefined : (await tenantPath(options.tenant)).split('/').at(-1);
      const query = { limit: options.limit, cursor: options.cursor, tenant };
      print.list(await api.call('GET', '/admin/audit', { query }), RECORD_COLUMNS, 'Nothing was done yet.');
    });
}
