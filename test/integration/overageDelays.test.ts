import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { UsageEventId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { reportUsage } from '#core/subscriptions/reportUsage.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeUsageMeter } from '#io/dodo/usageMeter.ts';
import { outboxKey } from '#io/dynamodb/overageRows.ts';
import { API_KEY } from '#test/builders/dodo.ts';
import { testId } from '#test/builders/ledger.ts';
import { overageOf } from '#test/builders/overage.ts';
import { PLANS, startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

const HOUR_MS = 3_600_000;
let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
beforeEach(() => subs.outbox.writePause({ failures: 0, untilMs: 0 }));
afterAll(() => subs.billing.stop());
const { faults, use, report, spentTenant, metered, waiting } = overageOf(() => subs);

test.each([
  { after_ms: 400, name: 'takes them after all' },
  { after_ms: 300_000, name: 'never takes them' },
])(
  'a provider that does not answer, and $name, is asked again and has each use once',
  async ({ after_ms }) => {
    const { tenantId, subscriptionId } = await spentTenant();
    const client = makeDodoClient({ baseURL: subs.billing.dodo.url }, async () => API_KEY, 200);
    const meter = makeUsageMeter(client, PLANS.meter.eventName);
    await use(tenantId, [11, 12]);
    await faults([{ method: 'POST', path: '/events/ingest', kind: 'hang', after_ms, times: 1 }]);
    expect(await report({ outbox: subs.outbox, meter })).toMatchObject({ reported: 0, waiting: 2 });
    await use(tenantId, [13]);
    // Late enough for what was on its way to arrive before, between or behind the next try.
    for (const wait of [0, 300, 300]) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      await subs.outbox.writePause({ failures: 1, untilMs: 0 });
      await report({ outbox: subs.outbox, meter });
    }
    expect(await waiting(tenantId)).toEqual([]);
    expect(await metered(subscriptionId)).toBe(36);
  },
);

test('thousands that are late do not stand in front of those that Dodo still takes', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  const oldMs = subs.clock.nowMs - 3 * HOUR_MS;
  const { client, prefix } = subs.billing.database;
  for (let batch = 0; batch < 104; batch += 1) {
    const rows = Array.from({ length: 25 }, (_, n) => {
      const atMs = oldMs + batch * 25 + n;
      const row = {
        id: testId<UsageEventId>('usageEvent', `old${batch}x${n}`),
        tenantId,
        amountMicro: micro(1),
        atMs,
      };
      return { PutRequest: { Item: { ...outboxKey(row), ...row } } };
    });
    await client.send(new BatchWriteCommand({ RequestItems: { [`${prefix}ledger`]: rows } }));
  }
  await use(tenantId, [5, 6]);
  // A clock that runs: the time of a run is over long before all of them are looked at.
  let ticks = 0;
  const clock = () => subs.clock.nowMs + 1_000 * ticks++;
  const { outbox, meter } = subs;
  const first = await reportUsage({ outbox, meter, directory: subs.billing.directory, clock });
  expect(await metered(subscriptionId)).toBe(11);
  expect(first).toMatchObject({ reported: 2, failure: null });
  expect(first.late.length).toBeGreaterThan(0);
  expect(first.late.length).toBeLessThan(100);
  await subs.outbox.remove((await subs.outbox.pending(2_600)).filter((one) => one.tenantId === tenantId));
});
