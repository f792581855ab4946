import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RolloutChange } from '#core/routing/applyChange.ts';
import { changeRollout } from '#core/routing/changeRollout.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { addModel } from '#core/tenants/addModel.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { systemWorld } from '#io/world.ts';
import { ASK, ask, beginCall, type ChatBench } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { finishChunk, type ScriptStep, textChunk, usageChunk } from '#test/builders/engine.ts';
import { makeKeyedBench, warmFunction } from '#test/builders/keyedChat.ts';
import { registerDeployed } from '#test/builders/registeredAdapter.ts';
import { runs } from '#test/builders/runs.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const TWO = { adapterId: 'adp_two' as AdapterId };
const adapterStore = () => makeAdapterStore(database.client, `${database.prefix}directory`);

/** Answers as the adapter that was asked for, at once. */
const obedient = (adapter: string | null): readonly ScriptStep[] => [
  textChunk('Hello', adapter),
  finishChunk('stop', adapter),
  usageChunk(3, 1, adapter),
];

async function benchWith(...changes: readonly RolloutChange[]): Promise<ChatBench> {
  const bench = await makeKeyedBench(database);
  bench.engine.answer = ({ expectedAdapter }) => obedient(expectedAdapter);
  await registerDeployed(adapterStore(), bench.tenant.id, [TWO.adapterId]);
  for (const change of changes) await roll(bench, change);
  return bench;
}

async function roll({ tenant, model }: ChatBench, change: RolloutChange): Promise<void> {
  const rollouts = makeRolloutStore(database.client, `${database.prefix}directory`);
  const act = { actor: 'admin', reason: 'test' };
  const wanted = { tenantId: tenant.id, alias: model.alias, change, act };
  const changed = await changeRollout({ rollouts, adapters: adapterStore(), world: systemWorld }, wanted);
  if (!changed.ok) throw new Error(changed.error.code);
}

const askAs = (bench: ChatBench, user: string) => ask(bench, { ...ASK, user });
const adapterOf = (answer: { readonly headers: Readonly<Record<string, string>> }) =>
  answer.headers['x-tunegate-adapter'];

test('a model that was made a moment ago is answered, by a function that knew its caller before', async () => {
  const bench = await benchWith();
  expect((await ask(bench, { ...ASK, model: 'newest' })).status).toBe(404);
  const directory = makeDirectory(database.client, `${database.prefix}directory`);
  const act = { actor: 'admin', reason: 'test' };
  const wanted = { ...bench.model, alias: 'newest' };
  await addModel({ world: systemWorld, directory }, { tenantId: bench.tenant.id, wanted, act });
  expect((await ask(bench, { ...ASK, model: 'newest' })).status).toBe(200);
});

describe('a canary', () => {
  test('answers its share of the users, each of them every time, and its usage says so', async () => {
    const bench = await benchWith({ action: 'canary', version: TWO, percent: 25 });
    const calls = runs(100).numRuns;
    for (let n = 0; n < calls; n += 1) await askAs(bench, `user-${n}`);
    const first = new Map(bench.events.map(({ user, adapter }) => [user, adapter]));
    const canary = bench.events.filter(({ servedBy }) => servedBy === 'canary');
    const spread = Math.sqrt(0.25 * 0.75 * calls);
    expect(Math.abs(canary.length - 0.25 * calls)).toBeLessThan(4 * spread);
    for (const { adapter, version } of canary) expect([adapter, version]).toEqual(['adp_two', 'adp_two']);

    bench.events.length = 0;
    for (let n = 0; n < 20; n += 1) await askAs(bench, `user-${n}`);
    for (const { user, adapter } of bench.events) expect(adapter).toBe(first.get(user));
  }, 600_000);

  test('keeps a key together whose client names no users', async () => {
    const bench = await benchWith({ action: 'canary', version: TWO, percent: 50 });
    for (let n = 0; n < 10; n += 1) await ask(bench, ASK);
    expect(new Set(bench.events.map(({ adapter }) => adapter)).size).toBe(1);
  });

  test('that fails is a failure of the canary, and no other version answers in its place', async () => {
    const bench = await benchWith({ action: 'canary', version: TWO, percent: 100 });
    bench.engine.answer = () => ({ code: 'model_loading', retryAfterSeconds: 7 });
    expect((await ask(bench, ASK)).status).toBe(503);
    expect(bench.events).toMatchObject([
      { status: 'engine_failed', version: 'adp_two', servedBy: 'canary', adapter: null },
    ]);
  });
});

describe('a rollback', () => {
  test('is in force four seconds later in every warm function, and at its first call in a cold one', async () => {
    const bench = await benchWith({ action: 'promote', version: TWO });
    let nowMs = Date.now();
    const warm = { ...bench.ports, authenticate: warmFunction(database, () => nowMs) };
    expect(adapterOf(await ask({ ...bench, ports: warm }, ASK))).toBe('adp_two');
    await roll(bench, { action: 'rollback' });
    const cold = { ...bench.ports, authenticate: warmFunction(database) };
    expect(adapterOf(await ask({ ...bench, ports: cold }, ASK))).toBe('adp_one');
    nowMs += 4_001;
    expect(adapterOf(await ask({ ...bench, ports: warm }, ASK))).toBe('adp_one');
  });

  test('leaves calls in flight to the version that they began with', async () => {
    const bench = await benchWith({ action: 'promote', version: TWO });
    const released = Promise.withResolvers<void>();
    const { generate } = bench.engine;
    const slow: ChatBench['ports']['engine'] = {
      generate: async (request) => {
        const generated = await generate(request);
        if (!generated.ok) return generated;
        async function* held() {
          if (!generated.ok) return;
          for await (const chunk of generated.value) {
            yield chunk;
            await released.promise;
          }
        }
        return { ok: true, value: held() };
      },
    };
    const answer = await beginCall(
      { ...bench, ports: { ...bench.ports, engine: slow } },
      { ...ASK, stream: true },
    );
    await answer.firstBytes;
    await roll(bench, { action: 'rollback' });
    const cold = { ...bench.ports, authenticate: warmFunction(database) };
    expect(adapterOf(await ask({ ...bench, ports: cold }, ASK))).toBe('adp_one');
    released.resolve();
    await answer.invocation;
    expect([answer.status, adapterOf(answer)]).toEqual([200, 'adp_two']);
    expect(answer.text).toContain('data: [DONE]');
    expect(bench.events.at(-1)).toMatchObject({ adapter: 'adp_two', status: 'succeeded' });
  });
});

describe('a shadow', () => {
  test('gets a copy of answered calls, with its own name in it and nothing that names the client', async () => {
    const bench = await benchWith({ action: 'shadow', version: TWO, percent: 100 });
    const answer = await ask(bench, { ...ASK, temperature: 0, user: 'somebody' });
    expect(adapterOf(answer)).toBe('adp_one');
    expect(bench.copies).toMatchObject([
      {
        tenantId: bench.tenant.id,
        alias: ASK.model,
        version: { adapterId: 'adp_two', inferenceComponentName: 'adp-two' },
        body: { messages: ASK.messages, temperature: 0 },
      },
    ]);
    expect(JSON.stringify(bench.copies)).not.toMatch(/somebody|Hello|adp_one/);
    expect(bench.events).toMatchObject([{ version: 'adp_one', servedBy: 'stable' }]);
  });

  test('gets its share of the calls, and none that failed', async () => {
    const bench = await benchWith({ action: 'shadow', version: TWO, percent: 30 });
    for (let n = 0; n < 100; n += 1) await ask(bench, ASK, { requestId: `call-${n}` });
    expect(Math.abs(bench.copies.length - 30)).toBeLessThan(19); // four times the spread
    bench.copies.length = 0;
    bench.engine.answer = () => [textChunk('Hel', 'adp_one'), 'break'];
    for (let n = 0; n < 10; n += 1) await ask(bench, { ...ASK, stream: true });
    expect(bench.copies).toEqual([]);
  });

  test('that cannot be reached changes nothing for the call: not its answer, not its charge', async () => {
    const bench = await benchWith({ action: 'shadow', version: TWO, percent: 100 });
    const send = async () => {
      throw new Error('the queue is away');
    };
    const answer = await ask({ ...bench, ports: { ...bench.ports, shadows: { send } } }, ASK);
    expect(answer.status).toBe(200);
    expect(bench.events).toHaveLength(1);
    expect(bench.logged).toMatchObject([{ level: 'warn' }]);
  });

  test('that is slow delays no answer', async () => {
    const bench = await benchWith({ action: 'shadow', version: TWO, percent: 100 });
    const sent = Promise.withResolvers<void>();
    const ports = { ...bench.ports, shadows: { send: () => sent.promise } };
    const answer = await beginCall({ ...bench, ports }, { ...ASK, stream: true });
    await expect.poll(() => answer.text).toContain('data: [DONE]');
    sent.resolve();
    await answer.invocation;
  });
});
