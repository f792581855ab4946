import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ChatBench,
  installLambdaStreaming,
  invokeStreaming,
  makeChatBench,
  PER_INPUT,
  PER_OUTPUT,
  PER_REQUEST,
  sseData,
} from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { finishChunk, textChunk, usageChunk, wordsAnswer } from '#test/builders/engine.ts';
import { proxyEvent, quietLog } from '#test/builders/http.ts';

installLambdaStreaming();
const { makeChatHandler } = await import('#api/chat/chatHandler.ts');

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const TOP_UP_URL = 'https://agency.example/top-up';
const CREDITS = 1_000_000;
const ASK = { model: 'northwind-support', messages: [{ role: 'user', content: 'where is it' }] };

function call(
  bench: ChatBench,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/v1/chat/completions',
) {
  const { logger, metrics } = quietLog();
  const handler = makeChatHandler({ ports: bench.ports, topUpUrl: TOP_UP_URL, logger, metrics });
  const event = proxyEvent('POST', path, {
    body,
    headers: { Authorization: bench.authorization, ...headers },
  });
  return invokeStreaming(handler, event);
}

async function ask(bench: ChatBench, body: unknown, headers: Record<string, string> = {}, path?: string) {
  const answer = call(bench, body, headers, path);
  await answer.invocation;
  return answer;
}

const costOf = (input: number, output: number) => PER_REQUEST + input * PER_INPUT + output * PER_OUTPUT;

describe('a plain call', () => {
  test('is answered with the whole text, what answered, what it cost and what is left', async () => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, ASK);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({
      object: 'chat.completion',
      model: 'northwind-support',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
    expect(answer.headers).toMatchObject({
      'x-request-id': 'req-test',
      'x-tunegate-adapter': 'adp_one',
      'x-tunegate-cost': '0.000123',
      'x-tunegate-balance': '0.999877',
    });
  });

  test('is metered before the invocation ends, and settling leaves the balance that was told', async () => {
    const bench = await makeChatBench(database);
    await ask(bench, { ...ASK, user: 'ada' });
    expect(bench.events).toMatchObject([
      {
        status: 'succeeded',
        inputTokens: 3,
        outputTokens: 2,
        adapter: 'adp_one',
        user: 'ada',
        choices: 1,
        model: 'northwind-support',
      },
    ]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('completes a text on /completions', async () => {
    const bench = await makeChatBench(database);
    const answer = await ask(
      bench,
      { model: 'northwind-support', prompt: 'once upon a time' },
      {},
      '/v1/completions',
    );
    expect(JSON.parse(answer.text)).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'Hello there', finish_reason: 'stop' }],
    });
    expect(bench.engine.requests[0]?.body).toMatchObject({ prompt: 'once upon a time' });
  });

  test('gives the engine a body of its own making, whatever the client wrote', async () => {
    const bench = await makeChatBench(database);
    await ask(bench, { ...ASK, temperature: 0.5, stop: 'END', seed: 7, max_tokens: 20, n: 1, store: false });
    expect(bench.engine.requests[0]).toMatchObject({
      inferenceComponentName: 'ic-one',
      expectedAdapter: 'adp_one',
    });
    expect(bench.engine.requests[0]?.body).toEqual({
      model: 'adp_one',
      messages: [{ role: 'user', content: 'where is it' }],
      max_tokens: 20,
      n: 1,
      temperature: 0.5,
      seed: 7,
      stop: ['END'],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test.each(['adapters', 'lora', 'lora_request', 'adapter'])('refuses a body that names %s', async (name) => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, { ...ASK, [name]: 'adp_other' });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toMatchObject({ code: 'unsupported_parameter', param: name });
    expect(bench.engine.requests).toHaveLength(0);
  });

  test('charges each of several choices', async () => {
    const bench = await makeChatBench(database);
    bench.engine.answer = () => [
      textChunk('a', 'adp_one', 0),
      textChunk('b', 'adp_one', 1),
      finishChunk('stop', 'adp_one', 1),
      finishChunk('length', 'adp_one', 0),
      usageChunk(3, 2),
    ];
    const answer = await ask(bench, { ...ASK, n: 2, max_tokens: 1 });
    expect(JSON.parse(answer.text).choices).toMatchObject([
      { index: 0, message: { content: 'a' }, finish_reason: 'length' },
      { index: 1, message: { content: 'b' }, finish_reason: 'stop' },
    ]);
    expect(bench.events).toMatchObject([{ choices: 2, outputTokens: 2 }]);
  });
});

describe('a stream', () => {
  test('brings the words as they come, then the end with the receipt', async () => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, { ...ASK, stream: true });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-tunegate-adapter': 'adp_one',
    });
    const chunks = sseData(answer.text);
    expect(chunks.slice(0, 2).map((chunk) => chunk.choices[0].delta)).toEqual([
      { role: 'assistant', content: 'Hello' },
      { content: ' there' },
    ]);
    expect(chunks[2]).toMatchObject({
      object: 'chat.completion.chunk',
      choices: [{ delta: {}, finish_reason: 'stop' }],
      tunegate: { cost: '0.000123', balance: '0.999877', adapter: 'adp_one' },
    });
    expect(chunks.every((chunk) => chunk === '[DONE]' || !('usage' in chunk))).toBe(true);
    expect(chunks.at(-1)).toBe('[DONE]');
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('brings usage in a chunk of its own where it was asked for, with the receipt on it', async () => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, { ...ASK, stream: true, stream_options: { include_usage: true } });
    const chunks = sseData(answer.text).slice(0, -1);
    const usage = chunks.pop();
    expect(usage).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      tunegate: { cost: '0.000123' },
    });
    expect(chunks.every((chunk) => chunk.usage === null && !('tunegate' in chunk))).toBe(true);
  });

  test('whose client hangs up is charged for what was generated, and the engine is stopped', async () => {
    const bench = await makeChatBench(database);
    bench.engine.answer = () => [textChunk('one '), textChunk('two '), 'hang', textChunk('three')];
    const answer = call(bench, { ...ASK, stream: true });
    await answer.firstBytes;
    await new Promise((resolve) => setTimeout(resolve, 30));
    answer.hangUp();
    await answer.invocation.catch(() => {});
    expect(bench.engine.requests[0]?.signal.aborted).toBe(true);
    expect(bench.events).toMatchObject([{ status: 'client_closed', inputTokens: 3, outputTokens: 2 }]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('that the engine breaks ends with an error event and is charged for what was delivered', async () => {
    const bench = await makeChatBench(database);
    bench.engine.answer = () => [textChunk('one '), textChunk('two '), 'break'];
    const answer = await ask(bench, { ...ASK, stream: true });
    const chunks = sseData(answer.text);
    expect(chunks.at(-1)).toMatchObject({
      error: { code: 'engine_failed', type: 'server_error' },
      tunegate: { cost: '0.000123' },
    });
    expect(bench.events).toMatchObject([{ status: 'engine_failed', outputTokens: 2 }]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });
});

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
    ['with no messages', { model: 'northwind-support' }, {}, 400, 'invalid_request'],
    ['with a strange idempotency key', ASK, { 'Idempotency-Key': 'ü' }, 400, 'invalid_request'],
  ])('was made %s: nothing is held or metered', async (_, body, headers, status, code) => {
    const bench = await makeChatBench(database);
    const answer = await ask(bench, body, headers);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    expect(await bench.balance()).toEqual({ available: CREDITS, held: 0 });
    expect([bench.events, bench.engine.requests]).toEqual([[], []]);
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

test('a usage queue that is down costs the client nothing it has: the answer stands, the event is kept in the log', async () => {
  const bench = await makeChatBench(database);
  const ports = { ...bench.ports, usage: { send: () => Promise.reject(new Error('down')) } };
  const answer = await ask({ ...bench, ports }, ASK);
  expect(answer.status).toBe(200);
  expect(bench.logged).toMatchObject([
    { level: 'unsent', details: { status: 'succeeded', outputTokens: 2 } },
  ]);
});

describe('a call with an idempotency key', () => {
  const keyed = { 'Idempotency-Key': 'order-17' };

  test.each([[false], [true]])('is answered again without a second charge (stream: %s)', async (stream) => {
    const bench = await makeChatBench(database);
    const first = await ask(bench, { ...ASK, stream }, keyed);
    const again = await ask(bench, { ...ASK, stream }, keyed);
    const told = (text: string) =>
      stream
        ? sseData(text)
            .map((chunk) => chunk.choices?.[0]?.delta?.content ?? '')
            .join('')
        : JSON.parse(text).choices[0].message.content;
    expect(told(again.text)).toBe(told(first.text));
    expect(again.headers).toMatchObject({ 'x-tunegate-replayed': 'true', 'x-tunegate-cost': '0.000123' });
    expect(bench.engine.requests).toHaveLength(1);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('is refused with another body', async () => {
    const bench = await makeChatBench(database);
    await ask(bench, ASK, keyed);
    const answer = await ask(bench, { ...ASK, temperature: 1 }, keyed);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, 'idempotency_key_reused']);
  });

  test('waits while the first one runs, which runs on when its client hangs up', async () => {
    const bench = await makeChatBench(database);
    const gate = Promise.withResolvers<void>();
    const { generate } = bench.engine;
    const ports = {
      ...bench.ports,
      engine: {
        generate: async (request: Parameters<typeof generate>[0]) => {
          const generated = await generate(request);
          if (!generated.ok) return generated;
          const { value } = generated;
          return {
            ok: true as const,
            value: (async function* () {
              for await (const chunk of value) {
                yield chunk;
                if (chunk.choices[0]?.delta['content'] === 'Hello') await gate.promise;
              }
            })(),
          };
        },
      },
    };
    const slow = { ...bench, ports };
    const first = call(slow, { ...ASK, stream: true }, keyed);
    await first.firstBytes;
    const second = await ask(slow, { ...ASK, stream: true }, keyed);
    expect([second.status, JSON.parse(second.text).error.code]).toEqual([409, 'request_in_progress']);
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0);
    first.hangUp();
    gate.resolve();
    await first.invocation.catch(() => {});
    const third = await ask(slow, { ...ASK, stream: true }, keyed);
    expect(
      sseData(third.text)
        .map((chunk) => chunk.choices?.[0]?.delta?.content ?? '')
        .join(''),
    ).toBe('Hello there');
    expect(bench.events).toMatchObject([{ status: 'succeeded' }]);
  });

  test('that failed before its first token is free to be tried again', async () => {
    const bench = await makeChatBench(database);
    bench.engine.answer = () => ['break'];
    expect((await ask(bench, ASK, keyed)).status).toBe(503);
    bench.engine.answer = () => wordsAnswer(['fine']);
    expect((await ask(bench, ASK, keyed)).status).toBe(200);
  });

  test('that could not be paid is free to be tried again', async () => {
    const bench = await makeChatBench(database, { credits: 0 });
    expect((await ask(bench, ASK, keyed)).status).toBe(402);
    expect((await ask(bench, ASK, keyed)).status).toBe(402);
  });

  test('of another tenant is another key', async () => {
    const [one, two] = [await makeChatBench(database), await makeChatBench(database)];
    await ask(one, ASK, keyed);
    expect(
      (await ask(two, { ...ASK, temperature: 1 }, keyed)).headers['x-tunegate-replayed'],
    ).toBeUndefined();
  });
});
