import type { Command } from 'commander';
import * as z from 'zod/mini';
import { armOf } from '#core/pricing/armOf.ts';
import { type ArmResult, compareArms, type TenantOutcome } from '#core/pricing/compareArms.ts';
import type { Experiment, PriceBook } from '#core/pricing/types.ts';
import type { ApiClient } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { rowsBehind } from './pages.ts';
import { readVersions } from './priceBooks.ts';
import type { PriceTerminal } from './priceCommands.ts';
import type { Column } from './print.ts';

const DAY_MS = 86_400_000;

const TenantRow = z.object({ id: z.string(), price_book: z.string() });
const UsageTotal = z.object({ total: z.object({ cost: z.string() }) });

const COLUMNS: readonly Column[] = [
  { title: 'ARM', field: 'arm' },
  { title: 'TENANTS', field: 'tenants', align: 'right' },
  { title: 'CREDITS A TENANT', field: 'mean', align: 'right' },
  { title: 'DIFFERENCE', field: 'difference', align: 'right' },
  { title: 'P-VALUE', field: 'p_value', align: 'right' },
];

type Days = { readonly start: string; readonly end?: string };

/** `tunegate price experiment`: what the arms brought in, and whether the difference may be chance. */
export function addExperimentCommand(price: Command, { open }: PriceTerminal): void {
  price
    .command('experiment')
    .description('compare the arms of an experiment by what each tenant was charged, in whole days of UTC')
    .argument('<book>', 'the price book whose latest experiment it is')
    .action(async (id: string, _: object, command: Command) => {
      const { api, print } = open(command);
      const { experiment, days } = findExperiment(await readVersions(api, id), id);
      const outcomes = await readOutcomes(api, { id, experiment, days });
      const arms = experiment.arms.map(({ book }) => book);
      const data = compareArms(arms, outcomes).map(armBody);
      print.list({ object: 'list', experiment: experiment.id, ...days, data }, COLUMNS, 'No arms.');
      print.say(
        '\nA p-value is how often chance alone makes a difference this large; below 0.05 is seldom chance.',
      );
    });
}

const armBody = ({ pValue, mean, difference, ...arm }: ArmResult) => ({
  ...arm,
  mean: mean.toFixed(6),
  difference: difference === null ? null : difference.toFixed(6),
  p_value: pValue === null ? null : pValue.toFixed(4),
});

/** The latest experiment of a book, and the days from its beginning to that of the version after it. */
function findExperiment(
  versions: readonly PriceBook[],
  id: string,
): { readonly experiment: Experiment; readonly days: Days } {
  const index = versions.findLastIndex(({ experiment }) => experiment !== undefined);
  const found = versions[index];
  if (found?.experiment === undefined)
    throw new CliError(
      'refused',
      `the price book ${id} has no experiment`,
      '`tunegate price list` shows which have.',
    );
  const after = versions[index + 1];
  const start = dayOf(found.effectiveFromMs);
  if (after === undefined) return { experiment: found.experiment, days: { start } };
  // One that ended on the day on which it began has that day alone.
  const last = Math.max(found.effectiveFromMs, after.effectiveFromMs - DAY_MS);
  return { experiment: found.experiment, days: { start, end: dayOf(last) } };
}

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** What each tenant of the book was charged in these days; one that used nothing counts with 0. */
async function readOutcomes(
  api: ApiClient,
  { id, experiment, days }: { readonly id: string; readonly experiment: Experiment; readonly days: Days },
): Promise<readonly TenantOutcome[]> {
  const outcomes: TenantOutcome[] = [];
  for await (const row of rowsBehind(api, '/admin/tenants')) {
    const tenant = z.parse(TenantRow, row);
    if (tenant.price_book !== id) continue;
    const usage = await api.call('GET', `/admin/tenants/${tenant.id}/usage`, {
      query: { ...days, group_by: 'model', limit: '1' },
    });
    const { total } = z.parse(UsageTotal, usage);
    outcomes.push({ arm: armOf(experiment, tenant.id), value: Number(total.cost) });
  }
  return outcomes;
}
