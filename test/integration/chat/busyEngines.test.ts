import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MAX_FAILURES } from '#core/routing/breaker.ts';
import { guardEngine } from '#io/engines/guardEngine.ts';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { ASK, ask, type ChatBench, CREDITS, makeChatBench } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { inTurn, type ModelServer, refuse, startModelServer, words } from '#test/builders/modelServer.ts';

// Servers that have more calls than they take.

const UNTOUCHED = { available: CREDITS, held: 0 };

let database: TestDatabase;
let server: ModelServer;
let bench: ChatBench;
let rests: number;
beforeAll(async () => {
  [database, server] = await Promise.all([startTestDatabase(), startModelServer()]);
});
afterAll(() => Promise.all([database.stop(), server.stop()]));
beforeEach(async () => {
  server.requests.length = 0;
  rests = 0;
  const made = await makeChatBench(database, { model: { engine: { kind: 'openai', url: server.url } } });
  const engine = guardEngine(makeOpenAiEngine({ allowLoopback: true, readSecret: async () => '' }), {
    clock: Date.now,
    onRest: () => {
      rests += 1;
    },
  });
  bench = { ...made, ports: { ...made.ports, engine } };
});
const codeOf = (answer: { readonly text: string }): string => JSON.parse(answer.text).error.code;

test.each([
  ['says when to come back', '17', '17'],
  ['asks for more patience than anybody has', '86400', '300'],
  ['names a date', 'Fri, 31 Dec 2027 23:59:59 GMT', '5'],
  ['does not say when', undefined, '5'],
])(
  'an engine with too many calls that %s is not asked again at once; its client is told, and pays nothing',
  async (_, asked, told) => {
    const headers: Readonly<Record<string, string>> = asked === undefined ? {} : { 'retry-after': asked };
    for (const stream of [false, true]) {
      server.requests.length = 0;
      server.answer = inTurn(refuse(429, {}, headers), words('Hello'));
      const busy = await ask(bench, { ...ASK, stream });
      expect([busy.status, codeOf(busy), busy.headers['retry-after'], server.requests.length]).toEqual([
        503,
        'temporarily_unavailable',
        told,
        1,
      ]);
    }
    expect(await bench.settle()).toEqual(UNTOUCHED);
  },
);

test('an engine that broke and then has too many calls is asked no third time', async () => {
  server.answer = inTurn(refuse(500), refuse(429, {}, { 'retry-after': '9' }), words('Hello'));
  const busy = await ask(bench, ASK);
  expect([busy.status, busy.headers['retry-after'], server.requests.length]).toEqual([503, '9', 2]);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('an engine with too many calls is not taken for a dead one, however often it says so', async () => {
  server.answer = refuse(429);
  for (let n = 0; n <= MAX_FAILURES; n += 1) await ask(bench, ASK);
  expect([server.requests.length, rests]).toEqual([MAX_FAILURES + 1, 0]);
  server.answer = words('Hello');
  expect((await ask(bench, ASK)).status).toBe(200);
});
