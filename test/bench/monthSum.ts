import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { archiveLine } from '#core/metering/archiveLine.ts';
import type { EntryId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';

const DAYS = 30;
const HOURS = 24;
const TENANTS = 10;
const MONTH = '2026-06';

export type MonthSum = {
  readonly events: number;
  readonly seconds: number;
  readonly peakMb: number;
  readonly costMicro: number;
};

/**
 * Sums a month of the archive with the command, in a process of its own, whose largest memory is what the system
 * saw. Each tenant has the same hour over and over, so that writing the month takes no time; reading it does.
 */
export async function measureMonthSum(events: number): Promise<MonthSum> {
  const directory = mkdtempSync(join(tmpdir(), 'tunegate-month-'));
  try {
    const perHour = Math.ceil(events / (DAYS * HOURS * TENANTS));
    writeMonth(directory, perHour);
    const startedMs = performance.now();
    const { out, peakKb } = await runCommand([
      '--json',
      'archive',
      'sum',
      directory,
      '--month',
      MONTH,
      '--by',
      'tenant,model',
    ]);
    const seconds = (performance.now() - startedMs) / 1_000;
    const sums: { calls: number; cost: string }[] = JSON.parse(out).data;
    const summed = sums.reduce((total, { calls }) => total + calls, 0);
    const costMicro = sums.reduce((total, { cost }) => total + Math.round(Number(cost) * 1_000_000), 0);
    const expected = perHour * DAYS * HOURS * TENANTS;
    if (summed !== expected || costMicro !== expected * 1_180)
      throw new Error('the month was summed wrongly');
    return { events: summed, seconds, peakMb: peakKb / 1_024, costMicro };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function writeMonth(directory: string, perHour: number): void {
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    const tenantId = testId<TenantId>('tenant', `t${tenant}`);
    const lines = Array.from({ length: perHour }, (_, n) => lineOf(tenantId, n));
    const first = join(directory, `${tenantId}.jsonl.gz`);
    writeFileSync(first, gzipSync(lines.join('')));
    for (let day = 1; day <= DAYS; day += 1) {
      for (let hour = 0; hour < HOURS; hour += 1) {
        const two = (n: number): string => String(n).padStart(2, '0');
        const folder = join(directory, `dt=${MONTH}-${two(day)}`, `hour=${two(hour)}`);
        mkdirSync(folder, { recursive: true });
        linkSync(first, join(folder, `${tenantId}.jsonl.gz`));
      }
    }
    rmSync(first);
  }
}

const lineOf = (tenantId: TenantId, n: number): string => {
  const usage = aUsageEvent(tenantId, `${tenantId.slice(4)}-${n}`, {
    model: n % 3 === 0 ? 'sales' : 'support',
    user: `user-${n % 50}`,
    priceBook: { id: 'per-token', version: 1 },
  });
  return archiveLine({
    id: testId<EntryId>('entry', `${n}`),
    tenantId,
    kind: 'charge',
    amountMicro: micro(-1_180),
    atMs: usage.startedAtMs,
    accountVersion: n,
    source: { kind: 'usage', id: usage.id },
    inputHash: '0'.repeat(64),
    usage,
  });
};

/** Runs the command and answers what it printed, and the most memory that it had resident. */
async function runCommand(
  args: readonly string[],
): Promise<{ readonly out: string; readonly peakKb: number }> {
  const script = `
    import { runCli } from '#cli/runCli.ts';
    const write = (text) => process.stdout.write(text);
    process.exitCode = await runCli(${JSON.stringify(args)}, { env: {}, write, writeError: write });
    process.stderr.write(String(process.resourceUsage().maxRSS));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd: process.cwd() });
  let out = '';
  let peak = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    peak += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the command ended with ${code}: ${out}${peak}`);
  return { out, peakKb: Number(peak) };
}
