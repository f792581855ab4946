import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LimitRules } from '#core/limits/types.ts';
import { ASK, ask, beginCall, type ChatBench, makeChatBench, priceOf } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { CLIENT_ADDRESS } from '#test/builders/http.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

async function limitedBench(rules: LimitRules, keyRules: LimitRules = {}): Promise<ChatBench> {
  const bench = await makeChatBench(database);
  const nowMs = Date.now();
  await bench.ledger.setLimits(bench.tenant.id, { scope: 'tenant', rules, nowMs });
  await bench.ledger.setLimits(bench.tenant.id, { scope: bench.key.id, rules: keyRules, nowMs });
  return bench;
}

const SHORT = { ...ASK, max_tokens: 5 };

describe.each([false, true])('a call (stream: %s)', (stream) => {
  test('says where the limits stand with its answer, the tighter of tenant and key', async () => {
    const bench = await limitedBench({ requests: 100, tokens: 1_000 }, { requests: 3 });
    const { status, headers } = await ask(bench, { ...SHORT, stream });
    expect(status).toBe(200);
    const tokens = 1_000 - Number(headers['x-ratelimit-remaining-tokens']);
    expect(tokens).toBeGreaterThan(5);
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': expect.stringMatching(/^1m\ds$|^60s$/),
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-reset-tokens': expect.stringMatching(/^1m\ds$|^60s$/),
    });
  });

  test('above a limit is refused with 429, when to try again, and nothing held', async () => {
    const bench = await limitedBench({ requests: 1 });
    await ask(bench, { ...SHORT, stream });
    await bench.settle();
    const before = await bench.balance();
    const refused = await ask(bench, { ...SHORT, stream });
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.text).error).toMatchObject({
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      message: expect.stringContaining('1 requests a minute'),
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(65);
    expect(refused.headers).toMatchObject({
      'x-ratelimit-limit-requests': '1',
      'x-ratelimit-remaining-requests': '0',
    });
    expect(await bench.balance()).toEqual(before);
    expect(bench.events).toHaveLength(1);
  });
});

test('a call that can never pass is told to ask for fewer tokens', async () => {
  const bench = await limitedBench({ tokens: 20 });
  const refused = await ask(bench, { ...ASK, max_tokens: 500 });
  expect(refused.status).toBe(429);
  expect(refused.headers['retry-after']).toBeUndefined();
  expect(JSON.parse(refused.text).error.message).toMatch(/up to 5\d\d, and 20 are left\..*lower max_tokens/);
  expect((await ask(bench, { ...ASK, max_tokens: 5 })).status).toBe(200);
});

test('a spend cap answers 429 and says how much is left, until when, and what to do', async () => {
  const bench = await limitedBench({}, { day: 600 });
  expect((await ask(bench, SHORT)).status).toBe(200);
  await bench.settle();
  const spent = bench.events.reduce((sum, event) => sum + priceOf(event), 0);
  const refused = await ask(bench, { ...ASK, max_tokens: 40 });
  expect(refused.status).toBe(429);
  expect(JSON.parse(refused.text).error).toMatchObject({
    type: 'insufficient_quota',
    code: 'spend_cap_reached',
    message: expect.stringContaining(`${(600 - spent) / 1e6} are left`),
  });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(refused.headers['x-should-retry']).toBe('false');
});

test('calls at once: the next begins as soon as one has ended, before it is settled', async () => {
  const bench = await limitedBench({ calls: 1 });
  const first = await beginCall(bench, { ...SHORT, stream: true });
  await first.firstBytes;
  await first.invocation;
  expect((await ask(bench, SHORT)).status).toBe(200);
  expect(bench.events).toHaveLength(2);
  expect(await bench.settle()).toMatchObject({ held: 0 });
});

test('the usage event names the network that the call came from', async () => {
  const bench = await makeChatBench(database);
  await ask(bench, SHORT);
  expect(bench.events).toMatchObject([{ network: CLIENT_ADDRESS }]);
});

test('a client without limits is told of none', async () => {
  const bench = await makeChatBench(database);
  const { headers } = await ask(bench, SHORT);
  expect(Object.keys(headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
});
