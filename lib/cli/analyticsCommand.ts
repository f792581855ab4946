import type { Command } from 'commander';
import * as z from 'zod/mini';
import type { JsonObject } from './apiClient.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const SUMMARY: readonly Column[] = [
  { title: 'MONTH', field: 'month' },
  { title: 'MRR', field: 'mrr_minor_units', as: 'money' },
  { title: 'PAYING TENANTS', field: 'paying_tenants' },
  { title: 'ARPU', field: 'arpu_minor_units', as: 'money' },
  { title: 'NEW', field: 'movements.new', as: 'money' },
  { title: 'RETURNED', field: 'movements.returned', as: 'money' },
  { title: 'EXPANSION', field: 'movements.expansion', as: 'money' },
  { title: 'CONTRACTION', field: 'movements.contraction', as: 'money' },
  { title: 'CHURNED', field: 'movements.churned', as: 'money' },
  { title: 'TENANT CHURN, %', field: 'movements.tenant_churn_percent' },
  { title: 'REVENUE CHURN, %', field: 'movements.revenue_churn_percent' },
  { title: 'REVENUE', field: 'revenue_minor_units', as: 'money' },
  { title: 'TRAINING COST', field: 'costs.training_minor_units', as: 'money' },
  { title: 'SERVING COST', field: 'costs.serving_minor_units', as: 'money' },
  { title: 'MARGIN', field: 'margin_minor_units', as: 'money' },
  { title: 'MARGIN, %', field: 'margin_percent' },
];
const CLIENTS: readonly Column[] = [
  { title: 'TENANT', field: 'name' },
  { title: 'REVENUE', field: 'revenue_minor_units', as: 'money', align: 'right' },
  { title: 'MRR', field: 'mrr_minor_units', as: 'money', align: 'right' },
  { title: 'PACKS', field: 'packs_minor_units', as: 'money', align: 'right' },
  { title: 'TRAINING', field: 'training_cost_minor_units', as: 'money', align: 'right' },
  { title: 'SERVING', field: 'serving_cost_minor_units', as: 'money', align: 'right' },
  { title: 'MARGIN', field: 'margin_minor_units', as: 'money', align: 'right' },
  { title: '%', field: 'margin_percent', align: 'right' },
  { title: 'USED', field: 'credits_used', align: 'right' },
  { title: 'CALLS', field: 'calls', align: 'right' },
];
const MODELS: readonly Column[] = [
  { title: 'MODEL', field: 'model' },
  { title: 'CALLS', field: 'calls', align: 'right' },
  { title: 'CREDITS', field: 'credits', align: 'right' },
];

type Options = { readonly month?: string; readonly servingCost?: string };

const Body = z.looseObject({
  ranked_by: z.string(),
  currency: z.string(),
  best: z.array(z.looseObject({})),
  worst: z.array(z.looseObject({})),
  models: z.array(z.looseObject({})),
});

/** `tunegate analytics` */
export function addAnalyticsCommand(program: Command, open: OpenSession): void {
  program
    .command('analytics')
    .description('show recurring revenue, churn, usage by model, the best and the worst clients')
    .option('--month <month>', 'such as 2026-11 (default: this one)')
    .option('--serving-cost <money>', "what serving cost in it (default: AWS's bill, where it was imported)")
    .action(async ({ month, servingCost }: Options, command: Command) => {
      const { api, print } = open(command);
      const query = { month, serving_cost: servingCost };
      const body = Body.parse(await api.call('GET', '/admin/analytics', { query }));
      print.record(body, SUMMARY);
      print.say('(before tax, labour and overhead)');
      const part = (title: string, rows: readonly JsonObject[], columns: readonly Column[]) => {
        print.say(`\n${title}`);
        const data = rows.map((row) => ({ ...row, currency: body.currency }));
        print.part({ object: 'list', data, has_more: false, next_cursor: null }, columns, 'None.');
      };
      part(`Best clients, by ${body.ranked_by}`, body.best, CLIENTS);
      part(`Worst clients, by ${body.ranked_by}`, body.worst, CLIENTS);
      part('Models', body.models, MODELS);
    });
}
