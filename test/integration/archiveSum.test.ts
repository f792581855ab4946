import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { archiveLine } from '#core/metering/archiveLine.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { EntryId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tunegate-archive-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function run(...args: readonly string[]) {
  let out = '';
  let error = '';
  const terminal = {
    env: {},
    openDatabase,
    write: (text: string) => {
      out += text;
    },
    writeError: (text: string) => {
      error += text;
    },
  };
  const code = await runCli(['--json', 'archive', 'sum', directory, ...args], terminal);
  return { code, error, data: code === 0 ? JSON.parse(out).data : undefined };
}

const ten = (name: string) => testId<TenantId>('tenant', name);

/** One line of the archive: a call of a tenant and what it was charged. */
const call = (tenant: string, n: number, costMicro: number, over: Partial<UsageEvent> = {}): string => {
  const usage = aUsageEvent(ten(tenant), `${tenant}-${n}`, over);
  return archiveLine({
    id: testId<EntryId>('entry', `${n}`),
    tenantId: ten(tenant),
    kind: 'charge',
    amountMicro: micro(-costMicro),
    atMs: usage.startedAtMs,
    accountVersion: n,
    source: { kind: 'usage', id: usage.id },
    inputHash: '',
    shortfallMicro: micro(n),
    usage,
  });
};

function put(day: string, hour: string, name: string, bytes: Buffer): void {
  const folder = join(directory, `dt=${day}`, `hour=${hour}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
}
const object = (...lines: readonly string[]) => gzipSync(lines.join(''));

test('a copy of the archive is summed by its parts, to the micro-credit', async () => {
  put('2026-03-02', '12', 'ten_a.jsonl.gz', object(call('a', 1, 10), call('a', 2, 20, { model: 'sales' })));
  put('2026-03-02', '12', 'ten_b.jsonl.gz', object(call('b', 1, 5)));
  put(
    '2026-03-31',
    '23',
    'ten_a.jsonl.gz',
    object(call('a', 3, 1, { startedAtMs: Date.UTC(2026, 2, 31, 23) })),
  );
  put('2026-04-01', '00', 'ten_a.jsonl.gz', object(call('a', 4, 100)));
  expect((await run('--month', '2026-03')).data).toEqual([
    {
      tenant: 'ten_a',
      calls: 3,
      input_tokens: 60,
      output_tokens: 30,
      compute_ms: 360,
      cost: '0.000031',
      shortfall: '0.000006',
    },
    {
      tenant: 'ten_b',
      calls: 1,
      input_tokens: 20,
      output_tokens: 10,
      compute_ms: 120,
      cost: '0.000005',
      shortfall: '0.000001',
    },
  ]);
  const armOf = { experiment: 'spring', book: 'trial', version: 1 };
  put(
    '2026-05-01',
    '00',
    'ten_c.jsonl.gz',
    object(call('c', 1, 7, { priceBook: { id: 'cheap', version: 2, armOf } })),
  );
  expect((await run('--month', '2026-05', '--by', 'experiment,book,dt')).data).toMatchObject([
    { experiment: 'spring', book: 'cheap 2', dt: '2026-03-02', cost: '0.000007' },
  ]);
  expect((await run()).data.map(({ calls }: { calls: number }) => calls)).toEqual([4, 1, 1]);
});

test('an object of many pieces is read whole', async () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => call('a', n, 3, { user: `ü ${'x'.repeat(n % 97)}` }));
  put('2026-03-02', '12', 'ten_a.jsonl.gz', object(...lines));
  expect((await run()).data).toMatchObject([{ calls: 5_000, cost: '0.015' }]);
});

test('what is no archive, or damaged, is said and not summed', async () => {
  put('2026-03-02', '12', 'ten_a.jsonl.gz', object(call('a', 1, 10), '{"calls": 1}\n'));
  expect(await run()).toMatchObject({ code: 1, error: expect.stringContaining('not of the archive') });
  put('2026-03-02', '12', 'ten_a.jsonl.gz', object(call('a', 1, 10)).subarray(0, 60));
  expect(await run()).toMatchObject({
    code: 2,
    error: expect.stringContaining('ten_a.jsonl.gz cannot be read'),
  });
  expect(await run('--by', 'user')).toMatchObject({ code: 2 });
  expect(await run('--month', 'March')).toMatchObject({ code: 2 });
  rmSync(directory, { recursive: true });
  expect(await run()).toMatchObject({ code: 2 });
  mkdirSync(directory);
});
