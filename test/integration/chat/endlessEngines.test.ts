import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { ASK, ask, type ChatBench, CREDITS, costOf, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { type ModelServer, slowWords, startModelServer } from '#test/builders/modelServer.ts';

// Servers that never come to an end, or to a beginning.

const SILENCE_MS = 1_000;
const UNTOUCHED = { available: CREDITS, held: 0 };

let database: TestDatabase;
let server: ModelServer;
let bench: ChatBench;
beforeAll(async () => {
  [database, server] = await Promise.all([startTestDatabase(), startModelServer()]);
});
afterAll(() => Promise.all([database.stop(), server.stop()]));
beforeEach(async () => {
  server.requests.length = 0;
  const place = { kind: 'openai', url: server.url, timeoutMs: SILENCE_MS } as const;
  const made = await makeChatBench(database, { model: { engine: place } });
  const engine = makeOpenAiEngine({ allowLoopback: true, readSecret: async () => '' });
  bench = { ...made, ports: { ...made.ports, engine } };
});
const codeOf = (answer: { readonly text: string }): string => JSON.parse(answer.text).error.code;

test.each([
  ['keeps its line open with comments', ': still here\n\n'],
  [
    'sends roles',
    'data: {"model": "adp_one", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}\n\n',
  ],
])('an engine that %s and says nothing is given up in time', async (_, line) => {
  server.answer = async (_, response) => {
    while (!response.destroyed) {
      response.write(line);
      await sleep(SILENCE_MS / 10);
    }
  };
  const failed = await ask(bench, ASK);
  expect([failed.status, codeOf(failed), server.requests.length]).toEqual([503, 'engine_failed', 2]);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('an engine that does not stop is stopped, and costs no more than was quoted', async () => {
  const chunk = { model: 'adp_one', choices: [{ index: 0, delta: { content: 'word '.repeat(5_000) } }] };
  server.answer = async (_, response) => {
    while (!response.destroyed) {
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await sleep(1);
    }
  };
  const broken = await ask(bench, { ...ASK, stream: true, max_tokens: 20 });
  expect(sseData(broken.text).at(-1)).toMatchObject({ error: { code: 'engine_failed' } });
  expect(broken.text.length).toBeLessThan(2 * 1024 * 1024);
  const { available, held } = await bench.settle();
  expect(held).toBe(0);
  expect(available).toBeGreaterThanOrEqual(CREDITS - costOf(3, 20));
});

test('an engine that answers too slowly is stopped while the call can still be settled', async () => {
  const longestAnswerMs = 1_200;
  const engine = makeOpenAiEngine({ allowLoopback: true, readSecret: async () => '', longestAnswerMs });
  server.answer = slowWords(SILENCE_MS / 5, ...Array.from({ length: 100 }, () => 'word'));
  const slow = await ask({ ...bench, ports: { ...bench.ports, engine } }, { ...ASK, stream: true });
  expect(sseData(slow.text).at(-1)).toMatchObject({ error: { code: 'engine_failed' } });
  const [event] = bench.events;
  expect(event).toMatchObject({ status: 'engine_failed' });
  expect(await bench.settle()).toEqual({
    available: CREDITS - costOf(3, event?.outputTokens ?? 0),
    held: 0,
  });
  expect(event?.outputTokens).toBeLessThan(100);
});

test('an engine that gives answers nobody asked for has failed', async () => {
  server.answer = (_, response) => {
    const stray = {
      model: 'adp_one',
      choices: [{ index: 7, delta: { content: 'x' }, finish_reason: 'stop' }],
    };
    response.writeHead(200).end(`data: ${JSON.stringify(stray)}\n\n`);
  };
  expect(codeOf(await ask(bench, ASK))).toBe('engine_failed');
  expect(await bench.settle()).toEqual(UNTOUCHED);
});
