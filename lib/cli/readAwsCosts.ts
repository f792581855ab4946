import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { CliError } from './cliError.ts';

/** A bill's amounts have ten decimals and more; they are added up as integers of a trillionth. */
const SCALE = 12;
const PER_MICRO = 10n ** 6n;
const MAX_RESOURCES = 2_000;

export type AwsCostBody = {
  readonly month: string;
  readonly lines: readonly {
    readonly service: string;
    readonly resource: string;
    readonly micro_usd: number;
    readonly hours: number;
  }[];
  readonly total_micro_usd: number;
};

const COLUMNS = {
  start: 'line_item_usage_start_date',
  service: 'line_item_product_code',
  resource: 'line_item_resource_id',
  cost: 'line_item_unblended_cost',
  hours: 'line_item_usage_amount',
} as const;

/**
 * Adds up one month of an AWS cost and usage export (CUR 2.0, CSV or CSV.gz) by service and resource, line by line, so
 * that its size does not matter. Cost only: taxes and refunds are lines like others. Source: "AWS Data Exports,
 * Cost and Usage Report 2.0". Errors: usage, with what is wrong with the file.
 */
export async function readAwsCosts(file: string, month: string): Promise<AwsCostBody> {
  const stream = createReadStream(file);
  const input = file.endsWith('.gz') ? stream.pipe(createGunzip()) : stream;
  const failed = new Promise<never>((_, reject) => {
    for (const source of [stream, input]) source.on('error', reject);
  });
  failed.catch(() => undefined);
  try {
    return await Promise.race([sumUp(createInterface({ input }), month), failed]);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('usage', `${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

type Sum = { readonly service: string; readonly resource: string; cost: bigint; hours: number };

async function sumUp(lines: AsyncIterable<string>, month: string): Promise<AwsCostBody> {
  const sums = new Map<string, Sum>();
  let columns: Readonly<Record<keyof typeof COLUMNS, number>> | undefined;
  let number = 0;
  let total = 0n;
  for await (const line of lines) {
    number += 1;
    const fields = csvFields(line);
    if (columns === undefined) {
      columns = columnsOf(fields);
      continue;
    }
    const [start, service, resource, cost, hours] = (
      ['start', 'service', 'resource', 'cost', 'hours'] as const
    ).map((name) => fields[columns?.[name] ?? -1] ?? '');
    if (start?.slice(0, 7) !== month) continue;
    const amount = decimal(cost ?? '');
    if (amount === undefined) throw new CliError('usage', `line ${number} has no cost that can be read`);
    total += amount;
    const key = `${service}\n${resource}`;
    const sum = sums.get(key) ?? { service: service ?? '', resource: resource ?? '', cost: 0n, hours: 0 };
    sum.cost += amount;
    sum.hours += Number(hours) || 0;
    sums.set(key, sum);
  }
  const largest = [...sums.values()].sort((a, b) => (a.cost < b.cost ? 1 : -1)).slice(0, MAX_RESOURCES);
  return {
    month,
    lines: largest.map(({ service, resource, cost, hours }) => ({
      service,
      resource,
      micro_usd: toMicro(cost),
      hours,
    })),
    total_micro_usd: toMicro(total),
  };
}

function columnsOf(names: readonly string[]): Record<keyof typeof COLUMNS, number> {
  const at = (column: string): number => {
    const index = names.findIndex((name) => name.trim().toLowerCase() === column);
    if (index >= 0) return index;
    throw new CliError(
      'usage',
      `the export has no column ${column}`,
      'Give a cost and usage report (CUR 2.0) as CSV.',
    );
  };
  return {
    start: at(COLUMNS.start),
    service: at(COLUMNS.service),
    resource: at(COLUMNS.resource),
    cost: at(COLUMNS.cost),
    hours: at(COLUMNS.hours),
  };
}

/** The fields of a line; quotes around a field, doubled inside of it. */
function csvFields(line: string): readonly string[] {
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
  }
  return fields;
}

/** A decimal, also as `1.2E-7`, as an integer of a trillionth; undefined when it is none. What is finer is cut off. */
function decimal(text: string): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = SCALE + Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  return sign === '-' ? -scaled : scaled;
}

/** To the nearest millionth. */
const toMicro = (amount: bigint): number =>
  Number((amount + (amount < 0n ? -PER_MICRO / 2n : PER_MICRO / 2n)) / PER_MICRO);
