import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayOf, hourOf } from '#core/ledger/rollup.ts';
import { archiveKey } from '#core/metering/archiveLine.ts';
import { archiveUsage } from '#core/metering/archiveUsage.ts';
import type { UsageArchive } from '#core/metering/ports.ts';
import { reportUsage, USAGE_DIMENSIONS } from '#core/metering/usageReport.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { reportArchive } from '#io/archiveReport.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { makeObservability } from '#io/observability.ts';
import { makeUsageArchive } from '#io/s3/usageArchive.ts';
import { NOON_MS } from '#test/builders/ledger.ts';
import { type Metering, startMetering, variedCalls } from '#test/builders/metering.ts';

let metering: Metering;
const folder = mkdtempSync(join(tmpdir(), 'tunegate-archive-'));
beforeAll(async () => {
  metering = await startMetering('archive');
});
afterAll(async () => {
  await metering.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Sums one tenant's archive by day, key and model, as an analyst would: with DuckDB, from the files. */
async function sumByDuckDb(tenantId: TenantId) {
  for (const [key, bytes] of await metering.readArchive()) {
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), bytes);
  }
  const duckDb = await DuckDBInstance.create(':memory:');
  const connection = await duckDb.connect();
  const rows = await connection.runAndReadAll(`
    SELECT strftime(dt, '%Y-%m-%d') AS day, keyId, model, count(*) AS calls, count(DISTINCT eventId) AS events,
      count(*) FILTER (status = 'engine_failed') AS failedCalls,
      sum(inputTokens) AS inputTokens, sum(outputTokens) AS outputTokens, sum(computeMs) AS computeMs,
      sum(costMicro) AS costMicro, CAST(sum(CAST(cost AS DECIMAL(18, 6))) * 1000000 AS BIGINT) AS costOfText
    FROM read_json_auto('${folder}/usage/*/*/*.jsonl.gz', hive_partitioning = true)
    WHERE tenantId = '${tenantId}' GROUP BY ALL ORDER BY ALL`);
  connection.closeSync();
  return rows
    .getRowObjects()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? value : Number(value)]),
      ),
    );
}

test('the archive read by DuckDB agrees with the roll-ups and with the entries', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('agrees', variedCalls(60));
  await metering.send(events);
  await metering.send(events.slice(10, 30));
  await metering.settleQueue();
  await metering.archive();

  const rollups = await metering.ledger.listRollups(tenantId, dayOf(NOON_MS), dayOf(NOON_MS + 86_400_000));
  const { groups, total } = reportUsage(rollups, USAGE_DIMENSIONS);
  expect(await sumByDuckDb(tenantId)).toEqual(
    groups.map(({ by, sum }) => ({
      day: by.day,
      keyId: by.key,
      model: by.model,
      ...sum,
      events: sum.calls,
      costOfText: sum.costMicro,
    })),
  );
  expect(total.calls).toBe(60);
  const account = await metering.ledger.readAccount(tenantId);
  expect((account?.availableMicro ?? 0) + total.costMicro).toBe(10_000_000);
});

test('a late event brings its hour up to date, and nothing stays due', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('late', [{}, {}, {}]);
  const [first, ...late] = events;
  if (first === undefined) throw new Error('too few calls');
  const key = archiveKey(tenantId, hourOf(NOON_MS));
  const archived = async () =>
    gunzipSync((await metering.readArchive()).get(key) ?? Buffer.alloc(0))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).eventId);

  await metering.send([first]);
  await metering.settleQueue();
  await metering.archive();
  expect(await archived()).toEqual([first.id]);

  await metering.send(late);
  await metering.settleQueue();
  await metering.archive();
  expect(await archived()).toEqual(events.map(({ id }) => id));
  expect(await metering.ledger.archiveDue(tenantId)).toEqual([]);
});

test('an object depends on its entries alone, byte by byte', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('bytes', [{}, {}]);
  await metering.send(events);
  await metering.settleQueue();
  await metering.archive();
  const before = await metering.readArchive();

  const [again] = events;
  if (again === undefined) throw new Error('too few calls');
  const extra = { ...again, id: 'use_bytes-extra' as typeof again.id, startedAtMs: NOON_MS + 3_600_000 };
  await metering.send([extra, ...events]);
  await metering.settleQueue();
  await metering.archive();
  const after = await metering.readArchive();
  expect(before.has(archiveKey(tenantId, hourOf(NOON_MS)))).toBe(true);
  const key = archiveKey(tenantId, hourOf(NOON_MS));
  expect(after.get(key)).toEqual(before.get(key));
  expect(after.size).toBe(before.size + 1);
});

test('an hour that cannot be written stays due, is counted, and leaves the others alone', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('fails', variedCalls(3));
  await metering.send(events);
  await metering.settleQueue();
  const whole = makeUsageArchive(metering.aws.s3, metering.bucket);
  const failing = archiveKey(tenantId, hourOf(NOON_MS));
  const archive: UsageArchive = {
    ...whole,
    replace: async (key, ...rest) => {
      if (key === failing) throw new Error('the bucket is away');
      return whole.replace(key, ...rest);
    },
  };
  const hours = await archiveUsage({ book: metering.ledger, directory: metering.directory, archive });
  reportArchive(makeObservability(METRICS.archiveFailures.service), hours);

  expect((await metering.ledger.archiveDue(tenantId)).map(({ hour }) => hour)).toEqual([hourOf(NOON_MS)]);
  expect(metering.metrics).toContainEqual(
    expect.objectContaining({ service: 'archive-usage', [METRICS.archiveFailures.name]: 1 }),
  );
  await metering.archive();
  expect(await metering.ledger.archiveDue(tenantId)).toEqual([]);
  expect((await metering.readArchive()).has(failing)).toBe(true);
});

async function* lines(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

test('of two runs at once, the one that began with an older object replaces nothing', async () => {
  const archive = makeUsageArchive(metering.aws.s3, metering.bucket);
  const key = 'usage/race.jsonl.gz';
  const seen = await archive.version(key);
  expect(seen).toBeNull();
  expect(await archive.replace(key, lines('more\n', 'entries\n'), seen)).toBe('replaced');
  expect(await archive.replace(key, lines('more\n'), seen)).toBe('changed_meanwhile');

  const newer = await archive.version(key);
  expect(await archive.replace(key, lines('third\n'), newer)).toBe('replaced');
  expect(await archive.replace(key, lines('fourth\n'), newer)).toBe('changed_meanwhile');
  expect(gunzipSync((await metering.readArchive()).get(key) ?? Buffer.alloc(0)).toString()).toBe('third\n');
});

test('entries that stop coming leave the object as it was', async () => {
  const archive = makeUsageArchive(metering.aws.s3, metering.bucket);
  const key = 'usage/broken.jsonl.gz';
  await archive.replace(key, lines('whole\n'), null);
  const broken = async function* () {
    yield 'half\n';
    throw new Error('the database went away');
  };
  await expect(archive.replace(key, broken(), await archive.version(key))).rejects.toThrow('went away');
  expect(gunzipSync((await metering.readArchive()).get(key) ?? Buffer.alloc(0)).toString()).toBe('whole\n');
});

test('an hour of more than one part is stored whole', async () => {
  const archive = makeUsageArchive(metering.aws.s3, metering.bucket);
  const key = 'usage/large.jsonl.gz';
  let seed = 1;
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed.toString(36);
  };
  const text = Array.from({ length: 20_000 }, () => `${Array.from({ length: 80 }, noise).join('')}\n`);
  expect(await archive.replace(key, lines(...text), null)).toBe('replaced');
  const stored = (await metering.readArchive()).get(key) ?? Buffer.alloc(0);
  expect(stored.length).toBeGreaterThan(5 * 1024 * 1024);
  expect(gunzipSync(stored).toString()).toBe(text.join(''));
});
