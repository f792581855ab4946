import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AuditOptions, runAudit } from '#cli/audit.ts';
import { auditLedger } from '#core/ledger/audit.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeSweepLog } from '#io/dynamodb/ledgerSweeps.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { startDynamoDb } from '#local/services/dynamodb.ts';
import { createTables } from '#local/setup/createTables.ts';
import { aCharge, aGrant, aHold, KEY_A, NOON_MS, testId } from '#test/builders/ledger.ts';

const TABLE = 'tunegate-ledger';
const tenant = testId<TenantId>('tenant', 'one');
const pk = `TEN#${tenant}`;

let dataDir: string;
let service: Awaited<ReturnType<typeof startDynamoDb>>;
let client: DynamoDBDocumentClient;
let ledger: Ledger;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tunegate-audit-'));
  service = await startDynamoDb({ file: join(dataDir, 'dynamodb.sqlite') });
  const bare = new DynamoDBClient({
    endpoint: service.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await createTables(bare, 'tunegate-');
  client = DynamoDBDocumentClient.from(bare, { marshallOptions: { removeUndefinedValues: true } });
  ledger = makeLedgerStore(client, TABLE);
});
afterAll(async () => {
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  await ledger.openAccount(tenant, ZERO);
  await ledger.grant(aGrant(tenant, 'a'));
  await ledger.placeHold(aHold(tenant, 'open'));
  await ledger.placeHold(aHold(tenant, 'used'));
  await ledger.settle(tenant, [
    aCharge(tenant, 'used', 60),
    aCharge(tenant, 'free', 0, { status: 'engine_failed' }),
  ]);
  const about = { tenantId: tenant, reason: 'a refund', actor: 'dodo', nowMs: NOON_MS };
  await ledger.freeze({
    ...about,
    grantId: testId<GrantId>('grant', 'a'),
    source: { kind: 'dispute', id: 'd' },
  });
  await ledger.clawBack({
    ...about,
    grantId: testId<GrantId>('grant', 'a'),
    source: { kind: 'refund', id: 'r' },
    amountMicro: micro(300),
  });
});
afterEach(async () => {
  const { Items } = await client.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
    }),
  );
  for (const item of Items ?? []) {
    await client.send(new DeleteCommand({ TableName: TABLE, Key: { pk, sk: item['sk'] } }));
  }
});

const codes = async () => {
  const report = await auditLedger(makeAuditSource(client, TABLE));
  return report.violations.map((violation) => violation.code);
};

async function keyBeginning(prefix: string) {
  const { Items } = await client.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
    }),
  );
  const item = Items?.[0];
  if (item === undefined) throw new Error(`no row begins with ${prefix}`);
  return item;
}

const tamper = (sk: string, UpdateExpression: string, values: Record<string, unknown>) =>
  client.send(
    new UpdateCommand({
      TableName: TABLE,
      Key: { pk, sk },
      UpdateExpression,
      ExpressionAttributeValues: values,
    }),
  );

test('a book that only the ledger wrote is clean', async () => {
  expect(await codes()).toEqual([]);
});

test('credits that no entry accounts for are found', async () => {
  await tamper('ACCOUNT', 'SET availableMicro = availableMicro + :x', { ':x': 1 });
  expect(await codes()).toEqual(['entries_do_not_sum_up', 'grants_do_not_sum_up']);
});

test('held credits without a hold are found', async () => {
  await tamper('ACCOUNT', 'SET availableMicro = availableMicro - :x, heldMicro = heldMicro + :x', {
    ':x': 1,
  });
  expect(await codes()).toEqual(['holds_do_not_sum_up']);
});

test('an entry that was deleted is found', async () => {
  const { sk } = await keyBeginning('ENTRY#2026-03-02T12:00:00.000Z#refund');
  await client.send(new DeleteCommand({ TableName: TABLE, Key: { pk, sk } }));
  expect(await codes()).toContain('entries_do_not_sum_up');
  expect(await codes()).toContain('mark_differs');
});

test('an event that was charged twice is found', async () => {
  const entry = await keyBeginning('ENTRY#2026-03-02T12:00:00.000Z#usage#use_used');
  await client.send(
    new PutCommand({
      TableName: TABLE,
      Item: { ...entry, sk: 'ENTRY#2026-03-02T13:00:00.000Z#usage#use_used' },
    }),
  );
  expect(await codes()).toContain('source_repeated');
});

test('a roll-up that is not the sum of its entries is found', async () => {
  await tamper(`ROLL#2026-03-02#${KEY_A}#support`, 'SET calls = calls + :x', { ':x': 1 });
  expect(await codes()).toEqual(['rollup_differs']);
});

test('a total of a month that is not the sum of its entries is found', async () => {
  const plan = {
    kind: 'graduated' as const,
    included: 0,
    per: 1,
    tiers: [{ upTo: null, priceMicro: micro(3) }],
  };
  const counter = '2026-03#book#1#*';
  const monthly = { counter, shares: [{ measure: 'requests' as const, used: 1, plan }] };
  await ledger.settle(tenant, [{ ...aCharge(tenant, 'by-month', 0), monthly }]);
  expect(await codes()).toEqual([]);
  await tamper(`MONTH#${counter}`, 'SET totals.requests.units = :x', { ':x': 2 });
  expect(await codes()).toEqual(['month_differs']);
});

test('a grant record that differs from its entries is found', async () => {
  await tamper('GRANT#gra_a', 'SET takenBackMicro = takenBackMicro + :x', { ':x': 1 });
  expect(await codes()).toEqual(['grant_record_differs']);
});

test('a hold is overdue only when a sweep ran after its time', async () => {
  const sweeps = makeSweepLog(client, TABLE);
  await sweeps.recordSweep(NOON_MS + 60_000);
  expect(await codes()).toEqual([]);
  await sweeps.recordSweep(NOON_MS + 10 * 60_000);
  expect(await codes()).toEqual(['hold_overdue']);
  await client.send(new DeleteCommand({ TableName: TABLE, Key: { pk: 'SWEEP', sk: 'LAST' } }));
});

test('a book that is written while it is read is clean', async () => {
  const writes = (async () => {
    for (let n = 0; n < 40; n++) {
      await ledger.settle(tenant, [aCharge(tenant, `busy-${n}`, 1)]);
    }
  })();
  const found = [];
  for (let n = 0; n < 10; n++) found.push(...(await codes()));
  await writes;
  expect(found).toEqual([]);
  expect(await codes()).toEqual([]);
});

test('the command audits the running product, the stopped one, and says when there is neither', async () => {
  const lines: string[] = [];
  const options = (dir: string): AuditOptions => ({
    target: { dataDir: dir },
    json: true,
    openDatabase,
    write: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  });
  writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ dynamodbUrl: service.url }));
  expect(await runAudit(options(dataDir))).toBe(0);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ok: true, tenants: 1, entries: 6, openHolds: 1 });
  await tamper('ACCOUNT', 'SET availableMicro = availableMicro + :x', { ':x': 1 });
  expect(await runAudit(options(dataDir))).toBe(1);

  writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ dynamodbUrl: 'http://127.0.0.1:9' }));
  expect(await runAudit(options(dataDir))).toBe(1);

  const empty = mkdtempSync(join(tmpdir(), 'tunegate-empty-'));
  expect(await runAudit(options(empty))).toBe(2);
  expect(lines.at(-1)).toContain('holds no data');
  rmSync(empty, { recursive: true });
});
