import type { Command } from 'commander';
import * as z from 'zod/mini';
import { OPERATIONS } from '#core/metering/types.ts';
import { type Explanation, explainRating } from '#core/pricing/explainRating.ts';
import { explainTraining } from '#core/pricing/explainTraining.ts';
import type { RatedUsage } from '#core/pricing/rateUsage.ts';
import { MONTHLY_MEASURES, type PriceBook } from '#core/pricing/types.ts';
import { parseId, type TenantId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { ApiClient } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { rowsBehind } from './pages.ts';
import { readPriceBook } from './priceBooks.ts';
import type { PriceTerminal } from './priceCommands.ts';

const ChargedEntry = z.object({
  id: z.string(),
  amount: z.string(),
  created_at: z.number(),
  usage: z.object({
    request_id: z.string(),
    operation: z.enum(OPERATIONS),
    model: z.string(),
    input_tokens: z.number(),
    output_tokens: z.number(),
    compute_ms: z.number(),
    time_to_first_token_ms: z.nullable(z.number()),
    status: z.enum(['succeeded', 'client_closed', 'engine_failed']),
    price_book: z.object({ id: z.string(), version: z.number() }),
  }),
  experiment: z.nullable(z.object({ id: z.string(), book: z.string(), version: z.number() })),
  source: z.object({ id: z.string() }),
  monthly: z.exactOptional(
    z.object({
      counter: z.string(),
      shares: z.array(z.object({ measure: z.enum(MONTHLY_MEASURES), before: z.number(), used: z.number() })),
    }),
  ),
});
type ChargedEntry = z.infer<typeof ChargedEntry>;

/** `tunegate price explain`: finds the call in the account book and rates it again, step by step. */
export function addExplainCommand(price: Command, { open, write }: PriceTerminal): void {
  price
    .command('explain')
    .description('show each step by which a call, or a training job, came to its price')
    .argument(
      '<call>',
      'the request id of the call, or the id of its usage event or entry, or of the training job',
    )
    .option('--tenant <tenant>', 'whose call it is, by id or name; without it every tenant is looked through')
    .action(async (call: string, options: ExplainOptions, command: Command) => {
      const { api, tenantPath } = open(command);
      const paths =
        options.tenant === undefined ? everyTenant(api) : oneTenant(await tenantPath(options.tenant));
      const { entry, path } = await findCharge(api, paths, call);
      const { steps, amountMicro } = explainCharge(await bookOf(api, entry), entry, usageOf(entry, path));
      const rated = amountMicro === null ? null : formatCredits(amountMicro);
      if (command.optsWithGlobals<{ readonly json?: boolean }>().json === true) {
        write(`${JSON.stringify({ entry: entry.id, steps, rated, charged: entry.amount }, null, 2)}\n`);
        return;
      }
      for (const { step, detail } of steps) write(`${step.padEnd(15)}${detail}\n`);
      write(`${'charged'.padEnd(15)}${entry.amount} by the entry ${entry.id}\n`);
    });
}

/** A training is priced by other rates of its line than a call. */
const explainCharge = (book: PriceBook, { usage, monthly }: ChargedEntry, used: RatedUsage): Explanation =>
  usage.operation === 'fine_tuning'
    ? explainTraining(book, { ...used, tokens: used.inputTokens })
    : explainRating(book, used, monthly);

type ExplainOptions = { readonly tenant?: string };

/** The very version that the entry names, and the experiment that sent the tenant there. */
async function bookOf(api: ApiClient, { usage, experiment }: ChargedEntry): Promise<PriceBook> {
  const book = await readPriceBook(api, usage.price_book);
  if (experiment === null) return book;
  const { id, ...of } = experiment;
  return { ...book, armOf: { experiment: id, ...of } };
}

async function* oneTenant(path: string): AsyncGenerator<string> {
  yield path;
}

async function* everyTenant(api: ApiClient): AsyncGenerator<string> {
  for await (const { id } of rowsBehind(api, '/admin/tenants')) yield `/admin/tenants/${String(id)}`;
}

type FoundCharge = { readonly entry: ChargedEntry; readonly path: string };

async function findCharge(
  api: ApiClient,
  tenantPaths: AsyncIterable<string>,
  call: string,
): Promise<FoundCharge> {
  // A job's charge bears the job's id in its own.
  const wanted = call.replace(/^ftjob-/, 'use_');
  for await (const path of tenantPaths) {
    for await (const row of rowsBehind(api, `${path}/credits/entries`)) {
      const { success, data } = ChargedEntry.safeParse(row);
      if (success && [data.id, data.source.id, data.usage.request_id].includes(wanted))
        return { entry: data, path };
    }
  }
  const hint = 'A call is charged some seconds after it ended.';
  throw new CliError('refused', `no charge of ${call} is in the account book`, hint);
}

/** Entries tell the time to the second; prices change with minutes. */
function usageOf({ usage, created_at }: ChargedEntry, tenantPath: string): RatedUsage {
  const tenantId = parseId<TenantId>('tenant', decodeURIComponent(tenantPath.split('/').at(-1) ?? ''));
  if (tenantId === undefined) throw new CliError('usage', 'not the id of a tenant', 'Give its id or name.');
  return {
    tenantId,
    model: usage.model,
    startedAtMs: created_at * 1_000,
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    computeMs: usage.compute_ms,
    status: usage.status,
    timeToFirstTokenMs: usage.time_to_first_token_ms,
  };
}
