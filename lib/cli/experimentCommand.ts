import type { Command } from 'commander';
import type { PriceTerminal } from './priceCommands.ts';
import type { Column } from './print.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ARM', field: 'arm' },
  { title: 'TENANTS', field: 'tenants', align: 'right' },
  { title: 'CREDITS A TENANT', field: 'mean', align: 'right' },
  { title: 'DIFFERENCE', field: 'difference', align: 'right' },
  { title: 'P-VALUE', field: 'p_value', align: 'right' },
  { title: 'OF ALL ARMS', field: 'p_value_of_all', align: 'right' },
];

/** `tunegate price experiment`: what the arms brought in, and whether the difference may be chance. */
export function addExperimentCommand(price: Command, { open }: PriceTerminal): void {
  price
    .command('experiment')
    .description('compare the arms of an experiment by what each tenant was charged, in whole days of UTC')
    .argument('<book>', 'the price book whose experiment it is')
    .option('--id <experiment>', 'which one (default: the latest that has begun)')
    .action(async (book: string, { id }: { readonly id?: string }, command: Command) => {
      const { api, print } = open(command);
      const path = `/admin/price-books/${encodeURIComponent(book)}/experiment`;
      const body = await api.call('GET', path, { query: { experiment: id } });
      print.say(
        `${body['experiment']}, from ${body['start']} ${body['end'] === null ? 'on' : `to ${body['end']}`}\n`,
      );
      print.list(body, COLUMNS, 'No arms.');
      print.say(
        '\nA p-value is how often chance alone makes a difference this large to the first arm; below 0.05 is seldom chance.',
      );
    });
}
