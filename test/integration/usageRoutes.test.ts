import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UsageEvent } from '#core/metering/types.ts';
import { type KeyId, parseId, type TenantId } from '#core/shared/ids.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import { ADMIN_KEY, type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';
import { aCharge, aGrant, KEY_A, testId } from '#test/builders/ledger.ts';

let agency: Agency;
let tenant: Awaited<ReturnType<Agency['newTenant']>>;
let other: typeof tenant;
const NOW_MS = Date.UTC(2026, 2, 10, 12);
const DAY_MS = 86_400_000;
const KEY_B = testId<KeyId>('key', 'b');

beforeAll(async () => {
  agency = await startAgency();
  agency.clock.nowMs = NOW_MS;
  tenant = await agency.newTenant();
  other = await agency.newTenant('Contoso');
  await settle(tenant.id, [
    [100, { startedAtMs: NOW_MS, model: 'support' }],
    [200, { startedAtMs: NOW_MS, model: 'support' }],
    [400, { startedAtMs: NOW_MS, model: 'sales', keyId: KEY_B, status: 'engine_failed' }],
    [800, { startedAtMs: NOW_MS - DAY_MS, model: 'support', keyId: KEY_B }],
    [1_600, { startedAtMs: NOW_MS - 40 * DAY_MS, model: 'support' }],
  ]);
  await settle(other.id, [[1_000_000, { startedAtMs: NOW_MS }]]);
});
afterAll(() => agency.stop());

async function settle(
  id: string,
  calls: readonly (readonly [amount: number, event: Partial<UsageEvent>])[],
): Promise<void> {
  const tenantId = parseId<TenantId>('tenant', id);
  if (tenantId === undefined) throw new Error(`not a tenant: ${id}`);
  await agency.deps.ledger.grant(aGrant(tenantId, 'usage', { amountMicro: micro(2_000_000) }));
  const charges = calls.map(([amount, event], n) =>
    aCharge(tenantId, `${n}`, amount, { keyId: KEY_A, ...event }),
  );
  await agency.deps.ledger.settle(tenantId, charges);
}

const read = (query: Readonly<Record<string, string>> = {}) =>
  agency.call('GET', '/usage', { key: tenant.apiKey, query });

const day = (daysAgo: number): string => new Date(NOW_MS - daysAgo * DAY_MS).toISOString().slice(0, 10);
/** Every call of the builder has 20 tokens in, 10 out and 120 ms. */
const used = (calls: number, cost: number, failedCalls = 0) => ({
  calls,
  failed_calls: failedCalls,
  input_tokens: 20 * calls,
  output_tokens: 10 * calls,
  compute_ms: 120 * calls,
  cost: formatCredits(micro(cost)),
});

test('answers the last thirty days by day, key and model', async () => {
  expect(await read()).toMatchObject({
    status: 200,
    body: {
      object: 'list',
      start: day(29),
      end: day(0),
      group_by: ['day', 'key', 'model'],
      data: [
        { object: 'usage', day: day(1), key: KEY_B, model: 'support', ...used(1, 800) },
        { object: 'usage', day: day(0), key: KEY_A, model: 'support', ...used(2, 300) },
        { object: 'usage', day: day(0), key: KEY_B, model: 'sales', ...used(1, 400, 1) },
      ],
      has_more: false,
      next_cursor: null,
      total: used(4, 1_500, 1),
    },
  });
});

test('every grouping adds up to the same total', async () => {
  for (const group_by of ['day', 'key', 'model', 'model,key', 'day,model', 'model,key,day']) {
    const { body } = await read({ group_by, start: day(60) });
    expect(body.total).toEqual(used(5, 3_100, 1));
    expect(body.data.reduce((sum: number, line: { calls: number }) => sum + line.calls, 0)).toBe(5);
  }
  const { body } = await read({ group_by: 'model' });
  expect(body.data).toEqual([
    { object: 'usage', model: 'sales', ...used(1, 400, 1) },
    { object: 'usage', model: 'support', ...used(3, 1_100) },
  ]);
});

test('a range includes both of its days, named as days or as moments', async () => {
  const seconds = (daysAgo: number) => String((NOW_MS - daysAgo * DAY_MS) / 1000);
  for (const query of [
    { start: day(1), end: day(1) },
    { start: seconds(1), end: seconds(1) },
  ]) {
    expect((await read(query)).body.total).toEqual(used(1, 800));
  }
  expect((await read({ start: day(39), end: day(2) })).body).toMatchObject({ data: [], total: used(0, 0) });
});

test('pages go on where the last one ended, and hold every line once', async () => {
  const all = (await read({ start: day(60) })).body.data;
  const paged: unknown[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body } = await read({ start: day(60), limit: '1', ...(cursor === '' ? {} : { cursor }) });
    expect(body.total).toEqual(used(5, 3_100, 1));
    expect(body.has_more).toBe(body.next_cursor !== null);
    paged.push(...body.data);
    cursor = body.next_cursor;
  }
  expect(paged).toEqual(all);
});

test('the agency reads the same for any tenant', async () => {
  const mine = await read();
  expect((await agency.admin('GET', `${tenant.path}/usage`)).body).toEqual(mine.body);
  expect((await agency.admin('GET', `${other.path}/usage`)).body.total).toEqual(used(1, 1_000_000));
});

describe('refuses', () => {
  const wrong: readonly [Readonly<Record<string, string>>, string][] = [
    [{ start: 'yesterday' }, 'start'],
    [{ end: '2026-02-30' }, 'end'],
    [{ start: '2026-03-10', end: '2026-03-09' }, 'start'],
    [{ start: '2020-01-01', end: '2026-03-09' }, 'start'],
    [{ group_by: 'user' }, 'group_by'],
    [{ group_by: '' }, 'group_by'],
    [{ limit: '0' }, 'limit'],
    [{ limit: '1001' }, 'limit'],
    [{ cursor: 'nonsense' }, 'cursor'],
    [{ from: '2026-03-10' }, 'from'],
  ];
  test.each(wrong)('the query %j', async (query, param) => {
    expect(await read(query)).toMatchObject(refusal(400, 'invalid_request', param));
  });

  test('a cursor of another grouping', async () => {
    const { body } = await read({ limit: '1', group_by: 'day' });
    expect(await read({ limit: '1', group_by: 'model', cursor: body.next_cursor })).toMatchObject(
      refusal(400, 'invalid_request', 'cursor'),
    );
  });

  test('nobody, a key without the scope, a client on the agency’s route and the agency on a client’s', async () => {
    expect((await agency.call('GET', '/usage')).status).toBe(401);
    const { body: chatOnly } = await agency.admin('POST', `${tenant.path}/keys`, {
      name: 'c',
      scopes: ['chat'],
    });
    expect(await agency.call('GET', '/usage', { key: chatOnly.api_key })).toMatchObject(
      refusal(403, 'insufficient_scope'),
    );
    expect(await agency.call('GET', `${tenant.path}/usage`, { key: tenant.apiKey })).toMatchObject(
      refusal(403, 'insufficient_scope'),
    );
    expect(await agency.call('GET', '/usage', { key: ADMIN_KEY })).toMatchObject(
      refusal(403, 'insufficient_scope'),
    );
  });

  test('a tenant that is not there', async () => {
    for (const path of [NOBODY, '/admin/tenants/nonsense']) {
      expect(await agency.admin('GET', `${path}/usage`)).toMatchObject(refusal(404, 'not_found'));
    }
  });
});
