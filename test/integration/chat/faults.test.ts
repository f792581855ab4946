import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOLD_LIFETIME_MS } from '#core/inference/startInference.ts';
import {
  ASK,
  type AskOptions,
  beginCall,
  type ChatBench,
  CREDITS,
  makeChatBench,
  priceOf,
} from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { type ScriptStep, textChunk, wordsAnswer } from '#test/builders/engine.ts';
import { type Fault, faultyPorts } from '#test/builders/faults.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

/** More awaits than any of these calls has. */
const MAX_AWAITS = 40;

type Scenario = {
  readonly body: object;
  readonly options?: AskOptions;
  readonly script: () => readonly ScriptStep[];
};
const keyed = { headers: { 'Idempotency-Key': 'k' } };
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a plain call': { body: ASK, script: () => wordsAnswer(['a']) },
  'a stream': { body: { ...ASK, stream: true }, script: () => wordsAnswer(['a']) },
  'a plain call with an idempotency key': { body: ASK, options: keyed, script: () => wordsAnswer(['a']) },
  'a stream that the engine breaks': {
    body: { ...ASK, stream: true },
    options: keyed,
    script: () => [textChunk('a'), 'break'],
  },
  'a call that the engine fails': { body: ASK, options: keyed, script: () => ['break'] },
};

/** Runs a scenario with a fault; false when the call has fewer awaits than that. */
async function runWith(bench: ChatBench, scenario: Scenario, fault: Fault): Promise<boolean> {
  const faulty = faultyPorts(bench.ports, fault);
  bench.engine.answer = scenario.script;
  const answer = await beginCall({ ...bench, ports: faulty.ports }, scenario.body, scenario.options);
  await Promise.race([answer.invocation.catch(() => {}), faulty.died]);
  return faulty.struck();
}

/** Everything that the product does later on its own: settle what is in the queue, expire what was forgotten. */
async function settleAndExpire(bench: ChatBench) {
  await bench.settle();
  await bench.ledger.expire(bench.tenant.id, Date.now() + HOLD_LIFETIME_MS + 1);
  return bench.balance();
}

describe.each(Object.keys(SCENARIOS))('%s', (name) => {
  test.each([
    ['dies', 'before'],
    ['dies', 'after'],
    ['throws', 'before'],
    ['throws', 'after'],
  ] as const)(
    'that %s %s any one await loses no credits and is charged at most once',
    async (kind, moment) => {
      const scenario = SCENARIOS[name];
      if (scenario === undefined) throw new Error(name);
      for (let at = 0; ; at++) {
        expect(at).toBeLessThan(MAX_AWAITS);
        const bench = await makeChatBench(database);
        const struck = await runWith(bench, scenario, { at, kind, moment });
        const calls = new Map(bench.events.map((event) => [event.id, priceOf(event)]));
        const charged = [...calls.values()].reduce((sum: number, price) => sum + price, 0);
        expect([at, calls.size <= 1], 'metered once at most').toEqual([at, true]);
        expect([at, await settleAndExpire(bench)]).toEqual([at, { available: CREDITS - charged, held: 0 }]);
        if (!struck) return;
      }
    },
  );
});

test('a call that died frees its idempotency key with its hold', async () => {
  const bench = await makeChatBench(database);
  await runWith(
    bench,
    { body: ASK, options: keyed, script: () => wordsAnswer(['a']) },
    { at: 4, kind: 'dies', moment: 'after' },
  );
  const blocked = await beginCall(bench, ASK, keyed);
  await blocked.invocation;
  expect(JSON.parse(blocked.text).error.code).toBe('request_in_progress');
  const world = { ...bench.ports.world, clock: () => Date.now() + HOLD_LIFETIME_MS + 1 };
  const later = await beginCall({ ...bench, ports: { ...bench.ports, world } }, ASK, keyed);
  await later.invocation;
  expect(later.status).toBe(200);
});
