import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addChunk, answerHash, emptyTally } from '#core/inference/tally.ts';
import { auditLedger } from '#core/ledger/audit.ts';
import { countVersions } from '#core/routing/countVersions.ts';
import { runShadow } from '#core/routing/runShadow.ts';
import type { CountedVersion } from '#core/routing/types.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { systemWorld } from '#io/world.ts';
import { ASK, ask, type ChatBench } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { makeKeyedBench } from '#test/builders/keyedChat.ts';
import { entriesOn } from '#test/builders/ledger.ts';
import {
  dieAfter,
  hangUp,
  type ModelServer,
  slowWords,
  startModelServer,
  words,
} from '#test/builders/modelServer.ts';

let database: TestDatabase;
let server: ModelServer;
let bench: ChatBench;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  server = await startModelServer();
  const engine = { kind: 'openai', url: server.url } as const;
  const version = {
    baseModel: 'tunegate-nano',
    adapterId: 'adp_two' as AdapterId,
    inferenceComponentName: 'adp-two',
    engine,
  };
  bench = await makeKeyedBench(database, {
    rollout: { revision: 1, former: [], shadow: { version, percent: 100 } },
  });
});
afterEach(() => server.stop());

const deps = () => ({
  clock: systemWorld.clock,
  engine: makeOpenAiEngine({ allowLoopback: true, readSecret: async () => '' }),
  rollouts: makeRolloutStore(database.client, `${database.prefix}directory`),
  versions: makeVersionBook(database.client, `${database.prefix}versions`, systemWorld.clock),
  patience: () => new AbortController().signal,
});
/** What was counted of the bench's model, whatever the day. */
const counted = (): Promise<readonly CountedVersion[]> =>
  deps().versions.read(bench.tenant.id, ASK.model, { from: '2000-01-01', to: '2999-12-31' });

test('that takes longer than its function has is given up, and counted as failed', async () => {
  await ask(bench, ASK, { requestId: 'slow' });
  const [copy] = bench.copies;
  server.answer = slowWords(50, ...Array.from({ length: 200 }, () => 'word'));
  const hasty = { ...deps(), patience: () => AbortSignal.timeout(400) };
  expect(await runShadow(hasty, JSON.stringify(copy))).toMatchObject({ outcome: 'failed' });
  server.answer = () => undefined; // not even a first token
  await ask(bench, ASK, { requestId: 'silent' });
  expect(await runShadow(hasty, JSON.stringify(bench.copies[1]))).toMatchObject({ outcome: 'failed' });
  expect(await counted()).toMatchObject([{ servedBy: 'shadow', calls: 2, failedCalls: 2 }]);
});

test('is answered by the shadow, compared, counted once, and charged to nobody', async () => {
  await ask(bench, ASK, { requestId: 'one' });
  await ask(bench, ASK, { requestId: 'two' });
  const settled = await bench.settle();
  const messages = bench.copies.map((copy) => JSON.stringify(copy));
  for (const message of messages) expect(await runShadow(deps(), message)).toEqual({ outcome: 'answered' });
  server.answer = words('Something', ' else');
  await ask(bench, ASK, { requestId: 'three' });
  const [other = ''] = bench.copies.slice(2).map((copy) => JSON.stringify(copy));
  expect(await runShadow(deps(), other)).toEqual({ outcome: 'answered' });
  await runShadow(deps(), other); // delivered again
  expect(server.requests[0]?.body).toMatchObject({ model: 'adp_two', messages: ASK.messages });
  expect(await counted()).toMatchObject([
    {
      version: 'adp_two',
      servedBy: 'shadow',
      calls: 3,
      failedCalls: 0,
      sameAnswers: 2,
      inputTokens: 9,
      outputTokens: 6,
      firstTokens: 3,
    },
  ]);

  await bench.settle();
  const entries = entriesOn(await bench.ledger.listEntries(bench.tenant.id, { limit: 100 }));
  const charges = entries.filter(({ kind }) => kind === 'charge');
  expect(charges.map(({ usage }) => usage?.version)).toEqual(['adp_one', 'adp_one', 'adp_one']);
  expect(settled.held).toBe(0);
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  expect(violations).toEqual([]);
});

test.each([
  ['hangs up', hangUp],
  ['dies in mid-stream', dieAfter('Hello')],
])('a shadow that %s is counted as failed, and is not tried again', async (_, answer) => {
  server.answer = answer;
  await ask(bench, ASK);
  expect(await runShadow(deps(), JSON.stringify(bench.copies[0]))).toMatchObject({ outcome: 'failed' });
  expect(server.requests).toHaveLength(1);
  expect(await counted()).toMatchObject([{ calls: 1, failedCalls: 1, sameAnswers: 0 }]);
});

test('a shadow that has ended meanwhile is asked nothing', async () => {
  await ask(bench, ASK);
  const rollouts = makeRolloutStore(database.client, `${database.prefix}directory`);
  const gone = {
    ...deps(),
    rollouts: { readModel: async () => ({ ...bench.model, rollout: { revision: 2, former: [] } }) },
  };
  expect(await rollouts.readModel(bench.tenant.id, ASK.model)).toBeDefined();
  expect(await runShadow(gone, JSON.stringify(bench.copies[0]))).toEqual({ outcome: 'over' });
  expect(server.requests).toEqual([]);
});

test.each(['', '{}', '[]', '{"requestId":"req_1"}'])('the message %j is none', async (message) => {
  expect(await runShadow(deps(), message)).toEqual({ outcome: 'unreadable' });
});

test('settled calls are counted by version while versions are compared, and not otherwise', async () => {
  await ask(bench, ASK);
  await ask(bench, { ...ASK, stream: true });
  bench.engine.answer = () => ['break'];
  await ask(bench, ASK);
  const [event] = bench.events;
  if (event === undefined) throw new Error('no event');
  const { rollout: _, ...quiet } = event;
  const { versions } = deps();
  await countVersions(versions, [...bench.events, quiet]);
  await countVersions(versions, bench.events.slice(0, 1));
  expect(await counted()).toMatchObject([
    { version: 'adp_one', servedBy: 'stable', calls: 4, failedCalls: 1, outputTokens: 6, firstTokens: 3 },
  ]);
});

test('the hash of an answer is the same for the same words, however they came', () => {
  const tallyOf = (...parts: readonly string[]) => {
    const tally = emptyTally();
    for (const content of parts) {
      addChunk(tally, {
        adapter: null,
        choices: [{ index: 0, delta: { content }, finishReason: null }],
        usage: null,
      });
    }
    return answerHash(tally);
  };
  expect(tallyOf('Hello', ' there')).toBe(tallyOf('Hello there'));
  expect(tallyOf('Hello there')).not.toBe(tallyOf('Hello  there'));
});
