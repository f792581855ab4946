import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintApiKey } from '#core/tenants/apiKey.ts';
import { cacheCallers } from '#io/callerCache.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makeKeyAuthenticator } from '#io/keyAuthenticator.ts';
import { systemWorld } from '#io/world.ts';
import { ASK, ask, type ChatBench, makeChatBench, testPriceBooks } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';

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

const PEPPERS = ['a-pepper'] as const;

/** A bench whose caller is found by a real key in a real directory, cached as in the chat function. */
async function makeKeyedBench(): Promise<ChatBench> {
  const bench = await makeChatBench(database);
  const directory = makeDirectory(database.client, `${database.prefix}directory`);
  const minted = mintApiKey(bench.key.id, { crypto: nodeCrypto, peppers: PEPPERS });
  const audit = () => ({
    id: systemWorld.newId<string>('auditRecord'),
    atMs: 1,
    actor: 'admin',
    action: 'test',
    tenantId: bench.tenant.id,
    reason: 'test',
    details: {},
  });
  await directory.createTenant(bench.tenant, audit());
  await directory.createKey({ ...bench.key, hash: minted.hash }, audit());
  await directory.createModel(bench.model, audit());
  const authenticate = makeKeyAuthenticator({
    directory: cacheCallers(directory, systemWorld.clock),
    readPeppers: async () => PEPPERS[0],
  });
  const priceBooks = makePriceBookSource(database.client, `${database.prefix}directory`, {
    seeds: testPriceBooks(),
    clock: systemWorld.clock,
  });
  return {
    ...bench,
    ports: { ...bench.ports, authenticate, priceBooks },
    authorization: `Bearer ${minted.text}`,
  };
}

test.each([[false], [true]])(
  'a warm call (stream: %s) writes its hold and asks the database nothing else',
  async (stream) => {
    const bench = await makeKeyedBench();
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

test('an idempotency key costs one write before the call and one after it', async () => {
  const bench = await makeKeyedBench();
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
  const bench = await makeKeyedBench();
  operations.length = 0;
  const answer = await ask({ ...bench, authorization }, ASK);
  expect([answer.status, operations]).toEqual([401, []]);
});

test('a key whose text is genuine and which was never stored is refused', async () => {
  const bench = await makeKeyedBench();
  const other = mintApiKey(systemWorld.newId('key'), { crypto: nodeCrypto, peppers: PEPPERS });
  expect((await ask({ ...bench, authorization: `Bearer ${other.text}` }, ASK)).status).toBe(401);
});
