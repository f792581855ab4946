import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { guardEngine } from '#io/engines/guardEngine.ts';
import { makeSageMakerEngine } from '#io/sagemaker/engine.ts';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { ASK, ask, beginCall, type ChatBench, CREDITS, makeChatBench, sseData } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { startTestSageMaker, TEST_PLACES, type TestSageMaker } from '#test/builders/sageMaker.ts';

// The real local SageMaker, which is killed, or has no such component in service.

let database: TestDatabase;
let sageMaker: TestSageMaker;
beforeAll(async () => {
  [database, sageMaker] = await Promise.all([startTestDatabase(), startTestSageMaker()]);
});
afterAll(() => Promise.all([database.stop(), sageMaker.stop()]));
afterEach(async () => {
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  expect(violations).toEqual([]);
});

async function benchOn(model: NonNullable<Parameters<typeof makeChatBench>[1]>['model']): Promise<ChatBench> {
  const bench = await makeChatBench(database, { model: { adapterId: null, ...model } });
  const engine = guardEngine(makeSageMakerEngine(sageMaker.runtime, TEST_PLACES), {
    clock: Date.now,
    onRest: () => undefined,
  });
  return { ...bench, ports: { ...bench.ports, engine } };
}
const errorOf = (answer: { readonly text: string }) => JSON.parse(answer.text).error;
const UNTOUCHED = { available: CREDITS, held: 0 };

test('a component that is not in service is a model that loads: nothing is charged', async () => {
  const empty = join(sageMaker.dataDirectory, 'no-adapter');
  mkdirSync(empty);
  await sageMaker.deploy('adp-broken', pathToFileURL(empty).href);
  const bench = await benchOn({ inferenceComponentName: 'adp-broken' });
  const answer = await ask(bench, ASK);
  expect([answer.status, errorOf(answer).code]).toEqual([503, 'model_loading']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(await bench.settle()).toEqual(UNTOUCHED);
});

test('where an adapter finds nobody awake, its base is knocked at too, once for many calls', async () => {
  const asked: (string | undefined)[] = [];
  const { runtime } = sageMaker;
  runtime.middlewareStack.add(
    (next) => (args) => {
      asked.push((args.input as { InferenceComponentName?: string }).InferenceComponentName);
      return next(args);
    },
    { step: 'initialize', name: 'asked' },
  );
  try {
    const bench = await benchOn({
      adapterId: 'adp_broken' as AdapterId,
      inferenceComponentName: 'adp-broken',
    });
    for (const _ of [1, 2, 3]) expect(errorOf(await ask(bench, ASK)).code).toBe('model_loading');
    expect(asked).toEqual(['adp-broken', 'tunegate-nano', 'adp-broken', 'adp-broken']);
    expect(await bench.settle()).toEqual(UNTOUCHED);
  } finally {
    runtime.middlewareStack.remove('asked');
  }
});

test('a tenant’s own endpoint answers with what stands on it, and with nothing of the shared one', async () => {
  const engine = { kind: 'sagemaker', endpoint: 'acme' } as const;
  const askBase = async (inferenceComponentName: string) =>
    (await ask(await benchOn({ inferenceComponentName, engine }), ASK)).status;
  expect(await askBase('tunegate-nano-acme')).toBe(200);
  expect(await askBase('tunegate-nano')).toBe(200); // the base model, wherever it is
  expect(await askBase('tunegate-nano-other')).toBe(503);
  const [demo] = DEMO_TENANTS;
  await sageMaker.deploy('adp-acme', pathToFileURL(demo?.adapterDirectory ?? '').href, 'acme');
  const adapter = { adapterId: 'adp_acme' as AdapterId, inferenceComponentName: 'adp-acme' };
  expect((await ask(await benchOn({ ...adapter, engine }), ASK)).headers).toMatchObject({
    'x-tunegate-adapter': 'adp_acme',
  });
  expect((await ask(await benchOn(adapter), ASK)).status).toBe(503);
});

test('an endpoint that is killed in mid-stream costs what was delivered; dead, it costs nothing', async () => {
  const bench = await benchOn({ inferenceComponentName: 'tunegate-nano' });
  const long = { ...ASK, max_tokens: 400, temperature: 2, seed: 0, n: 8, stream: true };
  const answer = await beginCall(bench, long);
  await answer.firstBytes;
  await sageMaker.kill();
  await answer.invocation;
  expect(sseData(answer.text).at(-1)).toMatchObject({ error: { code: 'engine_failed' } });
  expect(bench.events).toMatchObject([{ status: 'engine_failed' }]);
  const { available = 0, held } = await bench.settle();
  expect([available < CREDITS, held]).toEqual([true, 0]);

  const codes: string[] = [];
  for (let n = 0; n < 4; n += 1) codes.push(errorOf(await ask(bench, ASK)).code);
  expect(codes).toEqual([
    'engine_failed',
    'engine_failed',
    'temporarily_unavailable',
    'temporarily_unavailable',
  ]);
  expect(await bench.settle()).toEqual({ available, held: 0 });
});
