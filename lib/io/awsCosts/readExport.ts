import { BILLED_BY_DAY, isCompared } from '#core/reconciliation/awsResources.ts';
import type { AwsCost, AwsCosts } from '#core/reconciliation/types.ts';
import { type ExportFile, UnreadableExport } from './exportFiles.ts';
import { type ExportRow, rowsOf } from './exportRows.ts';

/** A bill's amounts have ten decimals and more; they are added up as integers of a trillionth. */
const SCALE = 12;
const PER_MICRO = 10n ** 6n;
const MAX_LINES = 2_000;

/**
 * Adds up one month of an AWS cost and usage export, row by row, so that its size does not matter: by training job,
 * by endpoint and day, and all else by service. Taxes, credits and refunds are rows like others. Source: "AWS Data
 * Exports, Cost and Usage Report 2.0". Throws `UnreadableExport` with what is wrong and where.
 */
export async function readExport(
  files: readonly ExportFile[],
  month: string,
): Promise<Omit<AwsCosts, 'importedAtMs'>> {
  const sums = new Map<string, Sum>();
  let total = 0n;
  for (const file of files) {
    for await (const row of rowsOf(file)) {
      if (row.start.slice(0, 7) !== month) continue;
      total += addRow(sums, row);
    }
  }
  // What reconciliation compares stays, however little it cost.
  const largest = [...sums.values()]
    .sort((a, b) => Number(isCompared(b.resource)) - Number(isCompared(a.resource)) || byCost(a, b))
    .slice(0, MAX_LINES);
  return { month, lines: largest.map(lineOf), totalMicroUsd: toMicro(total) };
}

type Sum = Omit<AwsCost, 'microUsd' | 'hours'> & { cost: bigint; hours: number };

const byCost = (a: Sum, b: Sum): number => (a.cost < b.cost ? 1 : a.cost > b.cost ? -1 : 0);

function addRow(sums: Map<string, Sum>, row: ExportRow): bigint {
  const { service, where, currency } = row;
  const cost = decimal(row.cost);
  if (cost === undefined) throw new UnreadableExport(`${where} has no cost that can be read`);
  if (currency !== '' && currency !== 'USD')
    throw new UnreadableExport(`${where} is in ${currency}: the books are compared in USD`);
  const resource = isCompared(row.resource) ? row.resource : '';
  const day = BILLED_BY_DAY.test(resource) ? { day: row.start.slice(0, 10) } : {};
  const key = [service, resource, day.day].join('\n');
  const sum = sums.get(key) ?? { service, resource, ...day, cost: 0n, hours: 0 };
  sum.cost += cost;
  sum.hours += hoursOf(row);
  sums.set(key, sum);
  return cost;
}

/** Lines that tell how long something ran; others are discounts on such a line, and would tell it twice. */
const RAN = new Set(['', 'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage']);

/** The hours of a line. Other lines of an endpoint are of gigabytes. */
function hoursOf({ type, unit, usage }: ExportRow): number {
  const isTime = unit === '' || /^(hrs?|hours?)$/i.test(unit);
  return isTime && RAN.has(type) ? Number(usage) || 0 : 0;
}

const lineOf = ({ cost, ...line }: Sum): AwsCost => ({ ...line, microUsd: toMicro(cost) });

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
