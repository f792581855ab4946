import { randomBytes } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IdempotencyClaim, IdempotencyStore } from '#core/inference/ports.ts';
import type { Completion } from '#core/inference/types.ts';
import type { RequestId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { MAX_ANSWER_BYTES, makeIdempotencyStore } from '#io/dynamodb/idempotencyStore.ts';
import { systemWorld } from '#io/world.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';

let database: TestDatabase;
let store: IdempotencyStore;
beforeAll(async () => {
  database = await startTestDatabase();
  store = makeIdempotencyStore(database.client, `${database.prefix}idempotency`);
});
afterAll(() => database.stop());

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const claimOf = (over: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
  tenantId: systemWorld.newId<TenantId>('tenant'),
  key: 'a-secret-looking-key',
  fingerprint: '{"model":"m"}',
  requestId: systemWorld.newId<RequestId>('request'),
  nowMs: NOW_MS,
  freedAtMs: NOW_MS + 1_000,
  ...over,
});
const completionOf = (content: string): Completion => ({
  id: 'chatcmpl-1',
  createdSec: 1,
  operation: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, content, toolCalls: [], finishReason: 'stop' }],
  usage: { inputTokens: 1, outputTokens: 2 },
  receipt: { costMicro: micro(5), balanceMicro: micro(-7), adapter: null },
  broken: false,
});
const repeat = (claim: IdempotencyClaim, afterMs = 0) =>
  store.claim({ ...claim, requestId: systemWorld.newId('request'), nowMs: claim.nowMs + afterMs });

test('of many who claim a key at once, one gets it', async () => {
  const claim = claimOf();
  const claims = await Promise.all(Array.from({ length: 20 }, () => repeat(claim)));
  expect(claims.filter((claimed) => claimed.ok)).toHaveLength(1);
});

test('a kept answer comes back as it was, for a day', async () => {
  const claim = claimOf();
  await store.claim(claim);
  expect(await store.remember(claim, completionOf('hello €'))).toBe('remembered');
  expect(await repeat(claim, DAY_MS - 1_000)).toEqual({
    ok: true,
    value: { kind: 'answered', completion: completionOf('hello €') },
  });
  expect(await repeat(claim, DAY_MS)).toEqual({ ok: true, value: { kind: 'claimed' } });
});

test('an answer too large to keep spends the key: its repeat is refused rather than charged again', async () => {
  const claim = claimOf();
  await store.claim(claim);
  const large = completionOf(randomBytes(MAX_ANSWER_BYTES * 2).toString('base64'));
  expect(await store.remember(claim, large)).toBe('too_large');
  expect(await repeat(claim)).toEqual({ ok: false, error: { code: 'answer_not_kept' } });
});

test('a claim whose call died goes to the next request, and the dead one can neither keep nor release', async () => {
  const dead = claimOf();
  await store.claim(dead);
  expect(await repeat(dead, 999)).toMatchObject({ ok: false, error: { code: 'request_in_progress' } });
  const next = { ...dead, requestId: systemWorld.newId<RequestId>('request'), nowMs: dead.freedAtMs };
  expect(await store.claim(next)).toEqual({ ok: true, value: { kind: 'claimed' } });
  expect(await store.remember(dead, completionOf('late'))).toBe('lost_claim');
  await store.release(dead);
  expect(await store.remember(next, completionOf('mine'))).toBe('remembered');
});

test('neither keys nor requests are stored', async () => {
  const claim = claimOf({ fingerprint: 'the whole prompt' });
  await store.claim(claim);
  const { Items } = await database.client.send(
    new ScanCommand({ TableName: `${database.prefix}idempotency` }),
  );
  const stored = JSON.stringify(Items);
  expect(stored).toContain(claim.tenantId);
  expect(stored).not.toContain(claim.key);
  expect(stored).not.toContain(claim.fingerprint);
});
