import type { Command } from 'commander';
import { type Column, rowsOf } from './print.ts';
import type { OpenSession } from './session.ts';

const COLUMNS: readonly Column[] = [
  { title: 'JOB', field: 'id' },
  { title: 'STATUS', field: 'status' },
  { title: 'CREATED', field: 'created_at', as: 'time' },
  { title: 'CHARGED', field: 'tunegate.charged_credits', align: 'right' },
  { title: 'BILLED SECONDS', field: 'billed_seconds', align: 'right' },
  { title: 'USD', field: 'cost.usd', align: 'right' },
];

type CostOptions = { readonly limit: string; readonly after?: string };

/** `tunegate training-costs`: what a tenant's jobs brought in credits, and cost in dollars. */
export function addTrainingCostCommand(program: Command, open: OpenSession): void {
  program
    .command('training-costs')
    .description("list a tenant's training jobs, newest first, with what they cost you in dollars")
    .argument('<tenant>', 'its id or name')
    .option('--limit <n>', 'how many, at most 100', '20')
    .option('--after <job>', 'go on after this job')
    .action(async (tenant: string, { limit, after }: CostOptions, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const path = `${await tenantPath(tenant)}/jobs`;
      const body = await api.call('GET', path, { query: { limit, after } });
      const jobs = rowsOf(body);
      const data = jobs.map((job) => ({ ...job, billed_seconds: billedSeconds(job['cost']) }));
      print.list({ ...body, data, has_more: false }, COLUMNS, 'No training jobs yet.');
      if (body['has_more'] === true) print.say(`There are more: add --after ${String(jobs.at(-1)?.['id'])}`);
    });
}

/** Of all attempts whose bill is known. */
function billedSeconds(cost: unknown): number {
  const attempts: unknown = typeof cost === 'object' && cost !== null ? Reflect.get(cost, 'attempts') : [];
  if (!Array.isArray(attempts)) return 0;
  return attempts.reduce((sum: number, { billable_seconds }) => sum + Number(billable_seconds ?? 0), 0);
}
