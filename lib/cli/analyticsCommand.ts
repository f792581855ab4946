import type { Command } from 'commander';
import * as z from 'zod/mini';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const SUMMARY: readonly Column[] = [
  { title: 'MONTH', field: 'month' },
  { title: 'MRR, MINOR UNITS', field: 'mrr_minor_units' },
  { title: 'PAYING TENANTS', field: 'paying_tenants' },
  { title: 'ARPU, MINOR UNITS', field: 'arpu_minor_units' },
  { title: 'NEW', field: 'movements.new' },
  { title: 'EXPANSION', field: 'movements.expansion' },
  { title: 'CONTRACTION', field: 'movements.contraction' },
  { title: 'CHURNED', field: 'movements.churned' },
  { title: 'TENANT CHURN, %', field: 'movements.tenant_churn_percent' },
  { title: 'REVENUE CHURN, %', field: 'movements.revenue_churn_percent' },
];
const CLIENTS: readonly Column[] = [
  { title: 'TENANT', field: 'name' },
  { title: 'WORTH', field: 'worth_minor_units', align: 'right' },
  { title: 'MRR', field: 'mrr_minor_units', align: 'right' },
  { title: 'BOUGHT', field: 'credits_bought', align: 'right' },
  { title: 'USED', field: 'credits_used', align: 'right' },
  { title: 'CALLS', field: 'calls', align: 'right' },
];
const MODELS: readonly Column[] = [
  { title: 'MODEL', field: 'model' },
  { title: 'CALLS', field: 'calls', align: 'right' },
  { title: 'CREDITS', field: 'credits', align: 'right' },
];

const Body = z.looseObject({
  best: z.array(z.unknown()),
  worst: z.array(z.unknown()),
  models: z.array(z.unknown()),
});

/** `tunegate analytics` */
export function addAnalyticsCommand(program: Command, open: OpenSession): void {
  program
    .command('analytics')
    .description('show recurring revenue, churn, usage by model, the best and the worst clients')
    .option('--month <month>', 'such as 2026-11 (default: this one)')
    .action(async ({ month }: { readonly month?: string }, command: Command) => {
      const { api, print } = open(command);
      const body = Body.parse(await api.call('GET', '/admin/analytics', { query: { month } }));
      print.record(body, SUMMARY);
      const part = (title: string, data: readonly unknown[], columns: readonly Column[]) => {
        print.say(`\n${title}`);
        print.part({ object: 'list', data, has_more: false, next_cursor: null }, columns, 'None.');
      };
      part('Best clients', body.best, CLIENTS);
      part('Worst clients', body.worst, CLIENTS);
      part('Models', body.models, MODELS);
    });
}
