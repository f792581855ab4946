import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { MAX_FAILURES } from '#core/routing/breaker.ts';
import { guardEngine } from '#io/engines/guardEngine.ts';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { ASK, ask, type ChatBench, CREDITS, costOf, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { type ModelServer, startModelServer } from '#test/builders/modelServer.ts';
import {
  BAD_GRAMMAR,
  NO_TOOLS,
  recorded,
  STREAM,
  TEXT,
  TOO_LONG,
  TWO_CHOICES,
  TWO_CHOICES_END,
  UNKNOWN_MODEL,
  WRONG_SECRET,
} from '#test/builders/vllmAnswers.ts';

// The words of vLLM 0.32, as it wrote them.

/** So many words are quoted that vLLM's count of tokens stays below. */
const WORDS = 'word '.repeat(50);
const QUESTION = { ...ASK, messages: [{ role: 'user', content: WORDS }] };

let database: TestDatabase;
let server: ModelServer;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.stop());

async function vllmBench(): Promise<ChatBench> {
  const bench = await makeChatBench(database, { model: { engine: { kind: 'openai', url: server.url } } });
  const engine = makeOpenAiEngine({ allowLoopback: true, readSecret: async () => '' });
  const guarded = guardEngine(engine, { clock: () => 0, onRest: () => undefined });
  return { ...bench, ports: { ...bench.ports, engine: guarded } };
}

test('a chat answer is passed on token by token, and charged by vLLM’s own count', async () => {
  const bench = await vllmBench();
  server.answer = recorded(STREAM);
  const answer = await ask(bench, { ...QUESTION, stream: true, stream_options: { include_usage: true } });
  const delta = (given: unknown) => ({ choices: [{ delta: given }] });
  expect(sseData(answer.text)).toMatchObject([
    delta({ role: 'assistant', content: '{"' }),
    delta({ content: 'que' }),
    delta({ content: 'ue' }),
    { choices: [{ delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 41, completion_tokens: 4 } },
    '[DONE]',
  ]);
  expect(await bench.settle()).toEqual({ available: CREDITS - costOf(41, 4), held: 0 });
});

test('two choices are counted together, also when vLLM dies before it counts them', async () => {
  for (const [text, status] of [
    [TWO_CHOICES + TWO_CHOICES_END, 'succeeded'],
    [TWO_CHOICES, 'engine_failed'],
  ] as const) {
    const bench = await vllmBench();
    server.answer = recorded(text, 200, status === 'engine_failed');
    await ask(bench, { ...QUESTION, n: 2, temperature: 1, stream: true });
    expect(bench.events).toMatchObject([{ status, inputTokens: 9, outputTokens: 3 }]);
  }
});

test('a text completion is collected', async () => {
  const bench = await vllmBench();
  server.answer = recorded(TEXT);
  const answer = await ask(bench, { model: ASK.model, prompt: WORDS }, { path: '/v1/completions' });
  const { choices, usage } = JSON.parse(answer.text);
  expect([choices[0].text, choices[0].finish_reason, usage.total_tokens]).toEqual(['ue bo', 'length', 6]);
});

test.each([
  ['a grammar that it cannot follow, told in a stream with status 200', BAD_GRAMMAR, 200, null],
  ['a prompt that is too long', TOO_LONG, 400, 'input_tokens'],
  ['tools, where it was started without a parser for them', NO_TOOLS, 400, null],
])('%s: a 400, asked once, free of charge, and no failure of the engine', async (_, text, status, param) => {
  const bench = await vllmBench();
  server.answer = recorded(text, status);
  const said = JSON.parse(text.replace(/^data: |\n\ndata: \[DONE\]\n\n$/g, '')).error.message;
  for (let n = 0; n <= MAX_FAILURES; n += 1) {
    const refused = await ask(bench, { ...ASK, stream: n % 2 === 0 });
    expect([refused.status, JSON.parse(refused.text).error]).toMatchObject([
      400,
      { code: 'engine_rejected', message: said, param },
    ]);
  }
  expect(server.requests).toHaveLength(MAX_FAILURES + 1);
  expect(await bench.settle()).toEqual({ available: CREDITS, held: 0 });
});

test.each([
  ['does not know the adapter any more', UNKNOWN_MODEL, 404],
  ['got the wrong secret', WRONG_SECRET, 401],
])('a vLLM that %s is the agency’s to mend: 503, free of charge', async (_, text, status) => {
  const bench = await vllmBench();
  server.answer = recorded(text, status);
  const failed = await ask(bench, ASK);
  expect([failed.status, JSON.parse(failed.text).error.code]).toEqual([503, 'engine_failed']);
  expect(failed.text).not.toContain('tunegate-nano');
  expect(await bench.settle()).toEqual({ available: CREDITS, held: 0 });
});
