import type { Command } from 'commander';
import * as z from 'zod/mini';
import { parseCreditPacks } from '#core/billing/parseCreditPacks.ts';
import { costPlus } from '#core/pricing/costPlus.ts';
import { lintPriceBooks, TYPICAL_CALL } from '#core/pricing/lintPriceBooks.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { PriceBooksFile } from '#core/pricing/priceBooksFile.ts';
import { formatCredits, type MicroCredits } from '#core/shared/money.ts';
import { CliError, EXIT_CODES } from './cliError.ts';
import { addExperimentCommand } from './experimentCommand.ts';
import { addExplainCommand } from './explainCommand.ts';
import { type LintOptions, lintOptions, parseAmount, parseCount } from './lintOptions.ts';
import { addPriceBookCommands } from './priceBookCommands.ts';
import { readJsonFile } from './readJsonFile.ts';
import type { OpenSession } from './session.ts';

export type PriceTerminal = {
  readonly open: OpenSession;
  readonly write: (text: string) => void;
  readonly exitWith: (code: number) => void;
};

type FileLint = LintOptions & { readonly packs?: string };

/** `tunegate price …` */
export function addPriceCommands(program: Command, terminal: PriceTerminal): void {
  const price = program
    .command('price')
    .description('price books: write and check them, explain a call, find a price, compare prices');
  addPriceBookCommands(price, terminal.open);
  addSchemaCommand(price, terminal);
  addLintCommand(price, terminal);
  addCostCommand(price, terminal);
  addExplainCommand(price, terminal);
  addExperimentCommand(price, terminal);
}

function addSchemaCommand(price: Command, { write }: PriceTerminal): void {
  price
    .command('schema')
    .description('print the JSON Schema of a price-books file, for editors that check while one writes')
    .action(() => write(`${JSON.stringify(z.toJSONSchema(PriceBooksFile), null, 2)}\n`));
}

function addLintCommand(price: Command, { write, exitWith }: PriceTerminal): void {
  lintOptions(
    price
      .command('lint')
      .description('look a price-books file through; exit code 1 when there is something to mend'),
  )
    .argument('<file>', 'such as layers/price-tables/price-books.json')
    .option('--packs <file>', 'credit packs on sale, to compare plans with')
    .action((file: string, options: FileLint, command: Command) => {
      const books = usable(parsePriceBooks(readJsonFile(file)), file);
      const packs = options.packs;
      const [inputTokens, outputTokens] = options.call ?? [
        TYPICAL_CALL.inputTokens,
        TYPICAL_CALL.outputTokens,
      ];
      const warnings = lintPriceBooks({
        books,
        typicalCall: { inputTokens, outputTokens, computeMs: 0 },
        costMicro: options.cost,
        packs: packs === undefined ? [] : usable(parseCreditPacks(readJsonFile(packs)), packs).packs,
        plans: options.plan,
        soldCredits: [],
      });
      if (command.optsWithGlobals<{ readonly json?: boolean }>().json === true)
        write(`${JSON.stringify({ warnings }, null, 2)}\n`);
      else if (warnings.length === 0) write(`${file}: nothing to mend\n`);
      else for (const { path, message } of warnings) write(`${file}: ${path} ${message}\n`);
      exitWith(warnings.length === 0 ? 0 : EXIT_CODES.refused);
    });
}

type CostOptions = {
  readonly gpuHours: MicroCredits;
  readonly gpuHourPrice: MicroCredits;
  readonly storage: MicroCredits;
  readonly bandwidth: MicroCredits;
  readonly calls: number;
  readonly markup?: MicroCredits;
  readonly grossMargin?: MicroCredits;
};

const WHOLE_PERCENT = 100_000_000;

function addCostCommand(price: Command, { write }: PriceTerminal): void {
  price
    .command('cost')
    .description('find the price of a call from what serving costs')
    .requiredOption('--gpu-hours <hours>', 'hours that the GPU was paid for', parseAmount)
    .requiredOption('--gpu-hour-price <credits>', 'price of an hour', parseAmount)
    .option('--storage <credits>', 'storage in that time', parseAmount, parseAmount('0'))
    .option('--bandwidth <credits>', 'bandwidth in that time', parseAmount, parseAmount('0'))
    .requiredOption('--calls <count>', 'calls answered in that time', parseCount)
    .option('--markup <percent>', 'profit as a share of the cost', parseAmount)
    .option('--gross-margin <percent>', 'profit as a share of the price', parseAmount)
    .action((options: CostOptions, command: Command) => {
      const { markup, grossMargin, gpuHours, gpuHourPrice, storage, bandwidth, calls } = options;
      if (markup !== undefined && grossMargin !== undefined)
        throw new CliError('usage', 'a price has one profit', 'Give --markup or --gross-margin.');
      if (grossMargin !== undefined && grossMargin >= WHOLE_PERCENT)
        throw new CliError('usage', 'no price has a gross margin of 100 %', 'Give one below 100.');
      const found = costPlus(
        {
          gpuHoursMicro: gpuHours,
          gpuHourMicro: gpuHourPrice,
          storageMicro: storage,
          bandwidthMicro: bandwidth,
          calls,
        },
        grossMargin === undefined
          ? { kind: 'markup', millionths: Math.floor((markup ?? 0) / 100) }
          : { kind: 'grossMargin', millionths: Math.floor(grossMargin / 100) },
      );
      const result = {
        cost_per_call: formatCredits(found.costMicro),
        price_per_call: formatCredits(found.priceMicro),
        markup_percent: percent(found.markupMillionths),
        gross_margin_percent: percent(found.grossMarginMillionths),
      };
      if (command.optsWithGlobals<{ readonly json?: boolean }>().json === true)
        write(`${JSON.stringify(result, null, 2)}\n`);
      else
        write(
          `cost of a call   ${result.cost_per_call}\nprice of a call  ${result.price_per_call}\n` +
            `markup           ${result.markup_percent} %\ngross margin     ${result.gross_margin_percent} %\n`,
        );
    });
}

/** Two decimals, cut off. */
const percent = (millionths: number): string => (Math.floor(millionths / 100) / 100).toFixed(2);

function usable<T>(
  read:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly error: { readonly message: string } },
  file: string,
): T {
  if (read.ok) return read.value;
  throw new CliError('refused', `${file}: ${read.error.message}`);
}
