import type { Command } from 'commander';
import { pageOptions } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const SUM_COLUMNS: readonly Column[] = [
  { title: 'CALLS', field: 'calls', align: 'right' },
  { title: 'FAILED', field: 'failed_calls', align: 'right' },
  { title: 'TOKENS IN', field: 'input_tokens', align: 'right' },
  { title: 'TOKENS OUT', field: 'output_tokens', align: 'right' },
  { title: 'COMPUTE MS', field: 'compute_ms', align: 'right' },
  { title: 'COST', field: 'cost', align: 'right' },
];

type UsageOptions = {
  readonly start?: string;
  readonly end?: string;
  readonly by: string;
  readonly limit?: string;
  readonly cursor?: string;
};

/** `tunegate usage` */
export function addUsageCommands(program: Command, open: OpenSession): void {
  pageOptions(program.command('usage').description('sum what a tenant used and what it cost'))
    .argument('<tenant>', 'its id or name')
    .option('--start <day>', 'first day, such as 2026-11-01 (UTC)')
    .option('--end <day>', 'last day')
    .option('--by <parts>', 'day, key and model, with commas between', 'day')
    .action(async (tenant: string, options: UsageOptions, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const { start, end, by, limit, cursor } = options;
      const query = { start, end, group_by: by, limit, cursor };
      const parts = by.split(',').map((part) => ({ title: part.toUpperCase(), field: part }));
      const body = await api.call('GET', `${await tenantPath(tenant)}/usage`, { query });
      print.list(body, [...parts, ...SUM_COLUMNS], 'Nothing was used in these days.');
    });
}
