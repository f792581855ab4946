import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASK, ask, beginCall, CREDITS, costOf, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { wordsAnswer } from '#test/builders/engine.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

describe('a call with an idempotency key', () => {
  const keyed = { 'Idempotency-Key': 'order-17' };

  test.each([[false], [true]])('is answered again without a second charge (stream: %s)', async (stream) => {
    const bench = await makeChatBench(database);
    const first = await ask(bench, { ...ASK, stream }, { headers: keyed });
    const again = await ask(bench, { ...ASK, stream }, { headers: keyed });
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
    await ask(bench, ASK, { headers: keyed });
    const answer = await ask(bench, { ...ASK, temperature: 1 }, { headers: keyed });
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
    const first = await beginCall(slow, { ...ASK, stream: true }, { headers: keyed });
    await first.firstBytes;
    const second = await ask(slow, { ...ASK, stream: true }, { headers: keyed });
    expect([second.status, JSON.parse(second.text).error.code]).toEqual([409, 'request_in_progress']);
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0);
    first.hangUp();
    gate.resolve();
    await first.invocation.catch(() => {});
    const third = await ask(slow, { ...ASK, stream: true }, { headers: keyed });
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
    expect((await ask(bench, ASK, { headers: keyed })).status).toBe(503);
    bench.engine.answer = () => wordsAnswer(['fine']);
    expect((await ask(bench, ASK, { headers: keyed })).status).toBe(200);
  });

  test('that could not be paid is free to be tried again', async () => {
    const bench = await makeChatBench(database, { credits: 0 });
    expect((await ask(bench, ASK, { headers: keyed })).status).toBe(402);
    expect((await ask(bench, ASK, { headers: keyed })).status).toBe(402);
  });

  test('of another tenant is another key', async () => {
    const [one, two] = [await makeChatBench(database), await makeChatBench(database)];
    await ask(one, ASK, { headers: keyed });
    expect(
      (await ask(two, { ...ASK, temperature: 1 }, { headers: keyed })).headers['x-tunegate-replayed'],
    ).toBeUndefined();
  });
});
