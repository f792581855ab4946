import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseUsageEvent } from '#core/metering/parseUsageEvent.ts';
import { ASK, ask, beginCall, CREDITS, costOf, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { finishChunk, textChunk, usageChunk } from '#test/builders/engine.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

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

  test('is charged all the same when the clock is set back while it runs', async () => {
    const bench = await makeChatBench(database);
    let lead = 5_000;
    const clock = () => {
      lead -= 1_000;
      return Date.now() + Math.max(0, lead);
    };
    const ports = { ...bench.ports, world: { ...bench.ports.world, clock } };
    expect((await ask({ ...bench, ports }, ASK)).status).toBe(200);
    const [event] = bench.events;
    expect(parseUsageEvent(JSON.stringify(event))).toMatchObject({ ok: true });
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('completes a text on /completions', async () => {
    const bench = await makeChatBench(database);
    const answer = await ask(
      bench,
      { model: 'northwind-support', prompt: 'once upon a time' },
      { path: '/v1/completions' },
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
    const answer = await beginCall(bench, { ...ASK, stream: true });
    await bench.engine.hanging;
    answer.hangUp();
    await answer.invocation.catch(() => {});
    expect(bench.engine.requests[0]?.signal.aborted).toBe(true);
    expect(bench.events).toMatchObject([{ status: 'client_closed', inputTokens: 3, outputTokens: 2 }]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });

  test('whose client hangs up before the answer begins is charged for its first token, and holds nothing', async () => {
    const bench = await makeChatBench(database);
    bench.engine.answer = () => [textChunk('one '), 'hang'];
    const answer = await beginCall(bench, { ...ASK, stream: true });
    answer.hangUp();
    await answer.invocation.catch(() => {});
    expect(bench.engine.requests[0]?.signal.aborted).toBe(true);
    expect(bench.events).toMatchObject([{ status: 'client_closed', inputTokens: 3, outputTokens: 1 }]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 1), held: 0 });
  });

  test('that ends early is charged by the engine’s own running count, where it keeps one', async () => {
    const bench = await makeChatBench(database);
    const usage = { promptTokens: 3, completionTokens: 7 };
    bench.engine.answer = () => [{ ...textChunk('a few words'), usage }, 'hang'];
    const answer = await beginCall(bench, { ...ASK, stream: true });
    await bench.engine.hanging;
    answer.hangUp();
    await answer.invocation.catch(() => {});
    expect(bench.events).toMatchObject([{ status: 'client_closed', inputTokens: 3, outputTokens: 7 }]);
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

test('a usage queue that is down costs the client nothing it has: the answer stands, the event is kept in the log', async () => {
  const bench = await makeChatBench(database);
  const ports = { ...bench.ports, usage: { send: () => Promise.reject(new Error('down')) } };
  const answer = await ask({ ...bench, ports }, ASK);
  expect(answer.status).toBe(200);
  expect(bench.logged).toMatchObject([
    { level: 'unsent', details: { status: 'succeeded', outputTokens: 2 } },
  ]);
});
