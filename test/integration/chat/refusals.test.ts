import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTokenCounter } from '#io/tokenizers.ts';
import { ASK, ask, CREDITS, makeChatBench, TOP_UP_URL } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { textChunk, wordsAnswer } from '#test/builders/engine.ts';
import { booksOf, fixedBooks } from '#test/builders/prices.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

describe('a call that costs nothing', () => {
  test.each([
    [
      'refused by a loading model',
      () => ({ code: 'model_loading', retryAfterSeconds: 60 }) as const,
      503,
      'model_loading',
    ],
    [
      'refused by the engine',
      () => ({ code: 'engine_rejected', message: 'bad schema', param: 'response_format' }) as const,
      400,
      'engine_rejected',
    ],
    ['failed before the first token', () => ['break'] as const, 503, 'engine_failed'],
    ['ended without a token', () => [], 503, 'engine_failed'],
    [
      'answered by another adapter',
      () => wordsAnswer(['x']).map((step) => (typeof step === 'string' ? step : { ...step, adapter: null })),
      503,
      'engine_failed',
    ],
    [
      'broken in the middle of a plain answer',
      () => [textChunk('one '), 'break'] as const,
      503,
      'engine_failed',
    ],
  ])('was %s: the hold is returned and the failure metered', async (_, script, status, code) => {
    const bench = await makeChatBench(database);
    bench.engine.answer = script;
    const answer = await ask(bench, ASK);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    if (status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(await bench.balance()).toEqual({ available: CREDITS, held: 0 });
    expect(bench.events).toMatchObject([
      { status: 'engine_failed', inputTokens: 0, outputTokens: 0, timeToFirstTokenMs: null },
    ]);
    expect(await bench.settle()).toEqual({ available: CREDITS, held: 0 });
  });

  test.each([
    ['without a key', ASK, { Authorization: '' }, 401, 'invalid_api_key'],
    ['for a model of somebody else', { ...ASK, model: 'contoso-support' }, {}, 404, 'model_not_found'],
    ['longer than the context', { ...ASK, max_tokens: 100_000 }, {}, 400, 'context_length_exceeded'],
    [
      'with a prompt beyond every context',
      { ...ASK, messages: [{ role: 'user', content: 'x'.repeat(200_000) }] },
      {},
      400,
      'context_length_exceeded',
    ],
    [
      'with tools beyond every context',
      { ...ASK, tools: [{ type: 'function', function: { name: 'f', description: 'x'.repeat(200_000) } }] },
      {},
      400,
      'context_length_exceeded',
    ],
    ['with no messages', { model: 'northwind-support' }, {}, 400, 'invalid_request'],
    ['with a strange idempotency key', ASK, { 'Idempotency-Key': 'ü' }, 400, 'invalid_request'],
  ])('was made %s: nothing is held or metered', async (_, body, headers, status, code) => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, body, { headers });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    expect(await bench.balance()).toEqual({ available: CREDITS, held: 0 });
    expect([bench.events, bench.engine.requests]).toEqual([[], []]);
  });

  const since = { id: 'test', version: 1, effectiveFrom: '2020-01-01T00:00:00Z' };
  test.each([
    [
      'has prices that begin later',
      { ...since, effectiveFrom: '2999-01-01T00:00:00Z', prices: [{ model: '*', perRequest: '1' }] },
      'prices_not_in_force',
    ],
    ['has no price', { ...since, prices: [{ model: 'another', perRequest: '1' }] }, 'unpriced_model'],
  ])('%s: 409 that says so, nothing held, no engine called', async (_, book, code) => {
    const bench = await makeChatBench(database);
    const ports = { ...bench.ports, priceBooks: fixedBooks(booksOf(book)) };
    const answer = await ask({ ...bench, ports }, ASK);
    expect([answer.status, JSON.parse(answer.text).error]).toMatchObject([409, { code, param: 'model' }]);
    expect(await bench.balance()).toEqual({ available: CREDITS, held: 0 });
    expect(bench.engine.requests).toEqual([]);
  });

  test('cannot be paid: 402 with a link, nothing held, no engine called', async () => {
    const bench = await makeChatBench(database, { credits: 150 });
    const answer = await ask(bench, ASK);
    expect(answer.status).toBe(402);
    expect(JSON.parse(answer.text).error).toMatchObject({
      code: 'insufficient_credits',
      type: 'insufficient_quota',
      top_up_url: TOP_UP_URL,
    });
    expect(await bench.balance()).toEqual({ available: 150, held: 0 });
    expect(bench.engine.requests).toHaveLength(0);
  });

  test('is of a suspended account: 402', async () => {
    const bench = await makeChatBench(database);
    await bench.ledger.setStatus(bench.tenant.id, 'suspended');
    const answer = await ask(bench, ASK);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([402, 'account_suspended']);
  });

  test('is made with a key that was stopped a moment ago: 401, whatever a cache says', async () => {
    const bench = await makeChatBench(database);
    await bench.ledger.stopKey(bench.tenant.id, bench.key.id, Date.now() - 1);
    const answer = await ask(bench, ASK);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([401, 'invalid_api_key']);
  });
});

test('a conversation that the chat template cannot express is the client’s to mend, not a failure of ours', async () => {
  const bench = await makeChatBench(database);
  const ports = { ...bench.ports, tokens: makeTokenCounter('layers/tokenizers') };
  const called = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
  const messages = [...ASK.messages, { role: 'assistant', content: null, tool_calls: [called] }];
  const answer = await ask({ ...bench, ports }, { ...ASK, messages });
  expect([answer.status, JSON.parse(answer.text).error.param]).toEqual([400, 'messages']);
  expect(await bench.balance()).toEqual({ available: CREDITS, held: 0 });
});
