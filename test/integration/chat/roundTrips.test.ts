import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintApiKey } from '#core/tenants/apiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { systemWorld } from '#io/world.ts';
import { ASK, ask, type ChatBench } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { makeKeyedBench } from '#test/builders/keyedChat.ts';

let database: TestDatabase;
/** Every operation that reached the database, in order. */
const operations: string[] = [];
beforeAll(async () => {
  database = await startTestDatabase();
  database.client.middlewareStack.add(
    (next, context) => (args) => {
      operations.push(String(context.commandName));
      return next(args);
    },
    { step: 'initialize' },
  );
});
afterAll(() => database.stop());

const keyedBench = (): Promise<ChatBench> => makeKeyedBench(database);

test.each([[false], [true]])(
  'a warm call (stream: %s) writes its hold and asks the database nothing else',
  async (stream) => {
    const bench = await keyedBench();
    await ask(bench, ASK);
    let beforeFirstToken: readonly string[] = [];
    let sentBeforeFirstToken = -1;
    const { answer } = bench.engine;
    bench.engine.answer = (request) => {
      beforeFirstToken = [...operations];
      sentBeforeFirstToken = bench.events.length;
      return answer(request);
    };
    operations.length = 0;
    bench.events.length = 0;
    await ask(bench, { ...ASK, stream });
    expect(beforeFirstToken).toEqual(['UpdateItemCommand']);
    expect(sentBeforeFirstToken).toBe(0);
    expect(operations).toEqual(['UpdateItemCommand']);
    expect(bench.events).toHaveLength(1);
  },
);

test('limits cost no round trip, but one for the first call after they changed', async () => {
  const bench = await keyedBench();
  const countedAsOne = { requests: 1_000, tokens: 1_000_000, day: 1_000_000, month: 1_000_000 };
  const limit = () =>
    bench.ledger.setLimits(bench.tenant.id, { scope: 'tenant', rules: countedAsOne, nowMs: Date.now() });
  await limit();
  await ask(bench, ASK);
  operations.length = 0;
  await ask(bench, ASK);
  expect(operations).toEqual(['UpdateItemCommand']);
  await limit();
  operations.length = 0;
  await ask(bench, ASK);
  expect(operations).toEqual(['UpdateItemCommand', 'UpdateItemCommand']);
});

test('an idempotency key costs one write before the call and one after it', async () => {
  const bench = await keyedBench();
  await ask(bench, ASK);
  operations.length = 0;
  await ask(bench, ASK, { headers: { 'Idempotency-Key': 'a' } });
  expect(operations).toEqual(['PutItemCommand', 'UpdateItemCommand', 'UpdateItemCommand']);
});

test.each([
  ['nothing like a key', 'Bearer hello'],
  ['another scheme', 'Basic dXNlcjpwYXNz'],
  ['a forged key', `Bearer tg_${'0'.repeat(26)}_${'a'.repeat(44)}`],
])('%s is refused with no read of the database', async (_, authorization) => {
  const bench = await keyedBench();
  operations.length = 0;
  const answer = await ask({ ...bench, authorization }, ASK);
  expect([answer.status, operations]).toEqual([401, []]);
});

test('a key whose text is genuine and which was never stored is refused', async () => {
  const bench = await keyedBench();
  const other = mintApiKey(systemWorld.newId('key'), { crypto: nodeCrypto, peppers: ['a-pepper'] });
  expect((await ask({ ...bench, authorization: `Bearer ${other.text}` }, ASK)).status).toBe(401);
});
