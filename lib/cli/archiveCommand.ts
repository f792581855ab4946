import { type Command, InvalidArgumentError } from 'commander';
import { makeUsageSum, SUM_PARTS, type SumPart } from '#core/metering/sumUsage.ts';
import { formatCredits } from '#core/shared/money.ts';
import { CliError } from './cliError.ts';
import { type Column, makePrinter } from './print.ts';
import { archiveLines } from './readArchive.ts';

const COLUMNS: readonly Column[] = [
  { title: 'CALLS', field: 'calls', align: 'right' },
  { title: 'TOKENS IN', field: 'input_tokens', align: 'right' },
  { title: 'TOKENS OUT', field: 'output_tokens', align: 'right' },
  { title: 'COMPUTE MS', field: 'compute_ms', align: 'right' },
  { title: 'COST', field: 'cost', align: 'right' },
  { title: 'SHORTFALL', field: 'shortfall', align: 'right' },
];

type SumOptions = { readonly month?: string; readonly by: readonly SumPart[] };

/** `tunegate archive sum`: adds a copy of the usage archive up, offline and in little memory. */
export function addArchiveCommand(program: Command, write: (text: string) => void): void {
  program
    .command('archive')
    .description('the usage archive, as `aws s3 sync s3://<bucket>/usage <dir>` copies it')
    .command('sum')
    .description('add its calls up; as little memory for a month of millions as for a day')
    .argument('<dir>', 'the copy: it has dt=…/hour=…/<tenant>.jsonl.gz in it')
    .option('--month <month>', 'only of this month of UTC, such as 2026-11', month)
    .option('--by <parts>', `${SUM_PARTS.join(', ')}, with commas between`, partsOf, ['tenant'] as const)
    .action(async (directory: string, options: SumOptions, command: Command) => {
      const sum = makeUsageSum(options.by);
      for await (const { lines, where } of archiveLines(directory, options.month ?? '')) {
        for (const line of lines) {
          if (sum.add(line).ok) continue;
          throw new CliError('refused', `${where} holds a line that is not of the archive`);
        }
      }
      const data = sum.sums().map(({ by, ...of }) => ({
        ...by,
        calls: of.calls,
        input_tokens: of.inputTokens,
        output_tokens: of.outputTokens,
        compute_ms: of.computeMs,
        cost: formatCredits(of.costMicro),
        shortfall: formatCredits(of.shortfallMicro),
      }));
      const parts = options.by.map((part) => ({ title: part.toUpperCase(), field: part }));
      const print = makePrinter(write, command.optsWithGlobals<{ readonly json?: boolean }>().json === true);
      print.list({ object: 'list', data }, [...parts, ...COLUMNS], 'Nothing is in it.');
    });
}

function month(text: string): string {
  if (!/^\d{4}-\d{2}$/.test(text)) throw new InvalidArgumentError('Give a month such as 2026-11.');
  return text;
}

function partsOf(text: string): readonly SumPart[] {
  return text.split(',').map((name) => {
    const part = SUM_PARTS.find((known) => known === name);
    if (part === undefined) throw new InvalidArgumentError(`Give some of ${SUM_PARTS.join(', ')}.`);
    return part;
  });
}
