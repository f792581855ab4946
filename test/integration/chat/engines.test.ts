import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import { MAX_FAILURES } from '#core/routing/breaker.ts';
import type { EnginePlace } from '#core/routing/types.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { guardEngine } from '#io/engines/guardEngine.ts';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { ASK, ask, type ChatBench, CREDITS, costOf, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import {
  dieAfter,
  hangUp,
  inTurn,
  jsonLines,
  type ModelServer,
  refuse,
  silent,
  slowWords,
  stallAfter,
  startModelServer,
  words,
} from '#test/builders/modelServer.ts';

// A version on an OpenAI-compatible server, which is a real one and behaves as badly as it is told.

/** How long the engine may be silent here, on a machine that does other things too. */
const SILENCE_MS = 1_500;
/** What `ASK` holds until it is settled; the prompt's three words and two of the answer are charged. */
const CHARGED = CREDITS - costOf(3, 2);
const UNTOUCHED = { available: CREDITS, held: 0 };

let database: TestDatabase;
let server: ModelServer;
let clock: { nowMs: number };
let rests: number;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  server = await startModelServer();
  clock = { nowMs: 1_000_000 };
  rests = 0;
});
afterEach(async () => {
  await server.stop();
  // Whatever an engine did, the books of every tenant so far add up.
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  expect(violations).toEqual([]);
});

async function benchOn(
  place: Partial<Extract<EnginePlace, { readonly kind: 'openai' }>> = {},
): Promise<ChatBench> {
  const engine: EnginePlace = { kind: 'openai', url: server.url, timeoutMs: SILENCE_MS, ...place };
  const bench = await makeChatBench(database, { model: { engine } });
  const guarded = guardEngine(
    makeOpenAiEngine({ allowLoopback: true, readSecret: async (name) => `token of ${name}` }),
    {
      clock: () => clock.nowMs,
      onRest: () => {
        rests += 1;
      },
    },
  );
  return { ...bench, ports: { ...bench.ports, engine: guarded } };
}
const codeOf = (answer: { readonly text: string }): string => JSON.parse(answer.text).error.code;
const contentOf = (answer: { readonly text: string }): string =>
  JSON.parse(answer.text).choices[0].message.content;

test('answers from the server, with its secret, under the name that it gives the model', async () => {
  const bench = await benchOn({ secret: 'gpu-one', model: 'acme/v2' });
  const answer = await ask(bench, ASK);
  expect([answer.status, contentOf(answer)]).toEqual([200, 'Hello there']);
  expect(answer.headers).toMatchObject({ 'x-tunegate-adapter': 'adp_one' });
  expect(server.requests).toMatchObject([
    {
      url: '/v1/chat/completions',
      authorization: 'Bearer token of gpu-one',
      body: { model: 'acme/v2', stream: true, stream_options: { include_usage: true } },
    },
  ]);
  expect(bench.events).toMatchObject([{ adapter: 'adp_one', version: 'adp_one', servedBy: 'stable' }]);
  expect(await bench.settle()).toEqual({ available: CHARGED, held: 0 });
});

test('takes both formats of streams, and text completions', async () => {
  const bench = await benchOn();
  server.answer = jsonLines('Hello', ' there');
  expect(contentOf(await ask(bench, ASK))).toBe('Hello there');
  server.answer = (_, response) => {
    const chunk = { model: 'adp_one', choices: [{ index: 0, text: 'Once', finish_reason: 'stop' }] };
    response.writeHead(200).end(`data: ${JSON.stringify(chunk)}\r\n\r\ndata: [DONE]\r\n\r\n`);
  };
  const text = await ask(bench, { model: ASK.model, prompt: 'Tell' }, { path: '/v1/completions' });
  expect(JSON.parse(text.text).choices[0].text).toBe('Once');
  expect(server.requests.at(-1)?.url).toBe('/v1/completions');
});

test('a chunk that says it has no error, and no end yet, is one like any other', async () => {
  const bench = await benchOn();
  const chunk = (content: string, finish_reason: string | null) => {
    const choices = [{ index: 0, delta: { content }, finish_reason }];
    return `data: ${JSON.stringify({ model: 'adp_one', error: null, choices })}\n\n`;
  };
  server.answer = (_, response) => {
    response.writeHead(200).end(chunk('Hello', '') + chunk(' there', 'stop'));
  };
  expect(contentOf(await ask(bench, ASK))).toBe('Hello there');
  server.answer = (_, response) => {
    response.writeHead(200).end(chunk('Hello', ''));
  };
  const cut = await ask(bench, ASK);
  expect([cut.status, codeOf(cut)]).toEqual([503, 'engine_failed']);
});

test.each([
  ['hangs up before it answers', hangUp],
  ['answers 500', refuse(500)],
  ['dies before the first token', dieAfter()],
  ['answers as another model', words('Hello')],
  ['talks nonsense', (_: unknown, response: { end: (text: string) => void }) => response.end('nonsense')],
] as const)(
  'an engine that %s is called once more, then the call fails and costs nothing',
  async (name, answer) => {
    const bench = await benchOn();
    server.answer =
      name === 'answers as another model'
        ? (request, response) => words('Hello')({ ...request, body: { model: 'tunegate-nano' } }, response)
        : answer;
    const failed = await ask(bench, { ...ASK, stream: true });
    expect([failed.status, codeOf(failed)]).toEqual([503, 'engine_failed']);
    expect(failed.headers['retry-after']).toBe('2');
    expect(server.requests).toHaveLength(2);
    expect(bench.events).toMatchObject([{ status: 'engine_failed', inputTokens: 0, version: 'adp_one' }]);
    expect(await bench.settle()).toEqual(UNTOUCHED);
  },
);

test.each([
  ['refuses the secret', refuse(401)],
  ['sends the client elsewhere', refuse(302, {}, { location: 'http://127.0.0.1:1/' })],
  ['does not know the model', refuse(404, { error: { message: 'The model `adp_one` does not exist.' } })],
])('an engine that %s is not asked again, for it would say no again', async (_, answer) => {
  const bench = await benchOn();
  server.answer = inTurn(answer, words('Hello'));
  const failed = await ask(bench, ASK);
  expect([failed.status, codeOf(failed), server.requests.length]).toEqual([503, 'engine_failed', 1]);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('an engine that is not there fails the call, and it costs nothing', async () => {
  const gone = await startModelServer();
  await gone.stop();
  const bench = await benchOn({ url: gone.url });
  const failed = await ask(bench, ASK);
  expect([failed.status, codeOf(failed)]).toEqual([503, 'engine_failed']);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('an engine that failed once is forgiven: the client sees one answer and pays once', async () => {
  const bench = await benchOn();
  server.answer = inTurn(hangUp, words('Hello', ' there'));
  expect(contentOf(await ask(bench, ASK))).toBe('Hello there');
  expect(server.requests).toHaveLength(2);
  expect(await bench.settle()).toEqual({ available: CHARGED, held: 0 });
});

test('an engine that says nothing is given up in time, and is not asked again when much time has passed', async () => {
  const bench = await benchOn();
  let nowMs = Date.now();
  server.answer = (request, response) => {
    nowMs += 11_000;
    return silent(request, response);
  };
  const world = { ...bench.ports.world, clock: () => nowMs };
  const failed = await ask({ ...bench, ports: { ...bench.ports, world } }, ASK);
  expect([failed.status, codeOf(failed), server.requests.length]).toEqual([503, 'engine_failed', 1]);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test.each([
  ['dies', dieAfter('Hello', ' there')],
  ['falls silent', stallAfter('Hello', ' there')],
])(
  'an engine that %s in mid-stream is not called again: what was delivered is charged',
  async (_, answer) => {
    const bench = await benchOn();
    server.answer = answer;
    const broken = await ask(bench, { ...ASK, stream: true });
    expect(broken.status).toBe(200);
    expect(sseData(broken.text).at(-1)).toMatchObject({ error: { code: 'engine_failed' } });
    expect(server.requests).toHaveLength(1);
    expect(bench.events).toMatchObject([{ status: 'engine_failed', outputTokens: 2 }]);
    expect(await bench.settle()).toEqual({ available: CHARGED, held: 0 });
  },
);

test('an engine that is slow, but never silent for long, is waited for', async () => {
  const bench = await benchOn();
  server.answer = slowWords(SILENCE_MS / 4, 'a', 'b', 'c', 'd', 'e');
  expect(contentOf(await ask(bench, ASK))).toBe('abcde');
});

test('a model that is loading or asleep says when to come back, is asked once and costs nothing', async () => {
  const bench = await benchOn();
  server.answer = inTurn(refuse(503, {}, { 'retry-after': '42' }), refuse(503));
  for (const seconds of ['42', '10']) {
    const loading = await ask(bench, ASK);
    expect([loading.status, codeOf(loading), loading.headers['retry-after']]).toEqual([
      503,
      'model_loading',
      seconds,
    ]);
  }
  expect(server.requests).toHaveLength(2);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('a request that the engine finds wrong is the client’s to mend', async () => {
  const bench = await benchOn();
  server.answer = refuse(400, { error: { message: 'temperature must be at most 2', param: 'temperature' } });
  const refused = await ask(bench, ASK);
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.text).error).toMatchObject({ code: 'engine_rejected', param: 'temperature' });
  expect(server.requests).toHaveLength(1);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('an engine that keeps failing is let rest, tried by one call after it, and called again when it answers', async () => {
  const bench = await benchOn();
  server.answer = hangUp;
  const calls = Math.ceil(MAX_FAILURES / 2);
  for (let n = 0; n < calls; n += 1) await ask(bench, ASK);
  expect([server.requests.length, rests]).toEqual([MAX_FAILURES, 1]);

  const resting = await ask(bench, ASK);
  expect([resting.status, codeOf(resting), resting.headers['retry-after']]).toEqual([
    503,
    'temporarily_unavailable',
    '5',
  ]);
  expect(server.requests).toHaveLength(MAX_FAILURES);

  server.answer = words('Hello', ' there');
  clock.nowMs += 5_000;
  expect((await ask(bench, ASK)).status).toBe(200);
  expect((await ask(bench, ASK)).status).toBe(200);
  expect(await bench.settle()).toEqual({ available: CREDITS - 2 * costOf(3, 2), held: 0 });
});

test('of many calls after a rest one is the probe, and the others are told to wait', async () => {
  const bench = await benchOn();
  server.answer = hangUp;
  for (let n = 0; n < MAX_FAILURES; n += 1) await ask(bench, ASK);
  const before = server.requests.length;
  clock.nowMs += 5_000;
  server.answer = slowWords(100, 'Hello');
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(bench, ASK)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 503, 503, 503, 503]);
  expect(server.requests.length - before).toBe(1);
});

test('a tenant whose model rests is no other tenant’s trouble', async () => {
  const bench = await benchOn();
  const other = await benchOn();
  const shared = { ...other, ports: { ...other.ports, engine: bench.ports.engine } };
  server.answer = hangUp;
  for (let n = 0; n < MAX_FAILURES; n += 1) await ask(bench, ASK);
  server.answer = words('Hello');
  expect(codeOf(await ask(bench, ASK))).toBe('temporarily_unavailable');
  expect((await ask(shared, ASK)).status).toBe(200);
});

test('no call leaves for an inner address, whatever stands in the table', async () => {
  for (const url of [
    'https://169.254.169.254/v1',
    'https://[::1]/v1',
    'http://localhost:1/v1',
    'https://localhost/v1',
  ]) {
    const bench = await benchOn({ url });
    expect(codeOf(await ask(bench, ASK))).toBe('engine_failed');
  }
  expect(server.requests).toEqual([]);
});
