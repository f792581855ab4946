import * as fc from 'fast-check';
import type { ClawBack } from '#core/ledger/ports.ts';
import { GRANT_KINDS } from '#core/ledger/types.ts';
import type { GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import type { Fault } from './faultyClient.ts';
import { aCharge, aGrant, aHold, NOON_MS, testId } from './ledger.ts';
import type { Operation } from './ledgerModel.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** An operation before its tenant and its moment are known. */
export type Planned = (tenantId: TenantId, nowMs: number) => Operation;

// Few ids and small amounts, so that repeats, conflicts and shortfalls are common.
const few = fc.constantFrom(0, 0, 0, 1, 1, 2);
const amount = fc.integer({ min: 0, max: 120 }).map(micro);
const key = fc.constantFrom('a', 'b').map((body) => testId<KeyId>('key', body));
const grantIdOf = (n: number) => testId<GrantId>('grant', `g${n}`);

const hold = fc
  .record({
    n: few,
    amountMicro: amount,
    keyId: key,
    lasts: fc.integer({ min: 1, max: 60 }),
    tokens: fc.constantFrom(undefined, 5, 15, 30, 30),
  })
  .map(
    ({ n, amountMicro, keyId, lasts, tokens }): Planned =>
      (tenantId, nowMs) => ({
        op: 'hold',
        place: aHold(tenantId, `n${n}`, {
          amountMicro,
          keyId,
          nowMs,
          expiresAtMs: nowMs + lasts * SECOND_MS,
          ...(tokens === undefined ? {} : { tokens }),
        }),
      }),
  );

const voided = few.map(
  (n): Planned =>
    () => ({ op: 'void', holdId: testId<HoldId>('hold', `n${n}`) }),
);

// An event's amount and moment follow from its number: the same event is the same wherever it appears.
const settle = fc
  .array(fc.constantFrom(0, 1, 1, 2, 3, 4, 5, 7), { minLength: 1, maxLength: 3, size: 'max' })
  .map(
    (events): Planned =>
      (tenantId) => ({
        op: 'settle',
        charges: events.map((n) =>
          aCharge(tenantId, `e${n}`, n === 7 ? 0 : n * 17, {
            holdId: testId<HoldId>('hold', `n${n % 3}`),
            model: n % 2 === 0 ? 'support' : 'sales',
            startedAtMs: NOON_MS + n * 20 * 60 * SECOND_MS,
            status: n === 7 ? 'engine_failed' : 'succeeded',
          }),
        ),
      }),
  );

const grant = fc
  .record({
    n: few,
    kind: fc.constantFrom(...GRANT_KINDS),
    amountMicro: amount,
    lasts: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    payment: fc.constantFrom('same', 'same', 'other'),
  })
  .map(
    ({ n, kind, amountMicro, lasts, payment }): Planned =>
      (tenantId, nowMs) => ({
        op: 'grant',
        input: aGrant(tenantId, payment === 'same' ? `g${n}` : `g${n}-${nowMs - NOON_MS}`, {
          kind,
          amountMicro: payment === 'same' ? micro(50 + n * 30) : amountMicro,
          nowMs,
          // Others are granted by hand, under a source that may be a debit's too.
          source: payment === 'same' ? { kind: 'payment', id: `pay-${n}` } : { kind: 'admin', id: `d${n}` },
          ...(lasts === undefined ? {} : { expiresAtMs: nowMs + lasts * SECOND_MS }),
        }),
      }),
  );

const about = (tenantId: TenantId, nowMs: number, source: ClawBack['source']) => ({
  tenantId,
  source,
  reason: 'a test',
  actor: 'ann',
  nowMs,
});

const debit = fc.record({ n: few, amountMicro: amount }).map(
  ({ n, amountMicro }): Planned =>
    (tenantId, nowMs) => ({
      op: 'debit',
      input: { ...about(tenantId, nowMs, { kind: 'admin', id: `d${n}` }), amountMicro },
    }),
);

const clawBack = fc
  .record({
    n: few,
    g: few,
    amountMicro: amount,
    source: fc.constantFrom('refund' as const, 'dispute' as const),
  })
  .map(
    ({ n, g, amountMicro, source }): Planned =>
      (tenantId, nowMs) => ({
        op: 'clawBack',
        input: {
          ...about(tenantId, nowMs, { kind: source, id: `s${n}` }),
          grantId: grantIdOf(g),
          amountMicro,
        },
      }),
  );

const dispute = fc.record({ op: fc.constantFrom('freeze' as const, 'release' as const), n: few, g: few }).map(
  ({ op, n, g }): Planned =>
    (tenantId, nowMs) => ({
      op,
      input: { ...about(tenantId, nowMs, { kind: 'dispute', id: `s${n}` }), grantId: grantIdOf(g) },
    }),
);

const expire = fc.constant<Planned>((_tenantId, nowMs) => ({ op: 'expire', nowMs }));

const status = fc
  .constantFrom('active' as const, 'active' as const, 'suspended' as const, 'closed' as const)
  .map(
    (to): Planned =>
      () => ({ op: 'status', status: to }),
  );

const stopKey = fc.record({ keyId: key, hours: fc.constantFrom(-1_000, -1, 0, 24) }).map(
  ({ keyId, hours }): Planned =>
    (_tenantId, nowMs) => ({ op: 'stopKey', keyId, fromMs: nowMs + hours * HOUR_MS }),
);

const max = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { nil: undefined, freq: 1 });

/** Limits that a few of these holds reach. */
const limits = fc
  .record({
    scope: fc.oneof(fc.constant('tenant' as const), key),
    rules: fc.record({ requests: max(3), tokens: max(60), calls: max(2), day: max(150), month: max(200) }),
    timeZone: fc.constantFrom(undefined, undefined, 'Pacific/Kiritimati', 'America/New_York'),
  })
  .map(
    ({ scope, rules, timeZone }): Planned =>
      (_tenantId, nowMs) => ({
        op: 'limits',
        change: {
          scope,
          rules: JSON.parse(JSON.stringify(rules)),
          nowMs,
          ...(timeZone === undefined ? {} : { timeZone }),
        },
      }),
  );

const slowKey = fc
  .record({ keyId: key, most: fc.constantFrom(1, 2), lasts: fc.integer({ min: 1, max: 60 }) })
  .map(
    ({ keyId, most, lasts }): Planned =>
      (_tenantId, nowMs) => ({
        op: 'slowKey',
        keyId,
        slow: { max: most, untilMs: nowMs + lasts * SECOND_MS },
      }),
  );

const endCall = few.map(
  (n): Planned =>
    () => ({ op: 'endCall', holdId: testId<HoldId>('hold', `n${n}`) }),
);

/** Any operation, those of daily business more often. */
export const anyOperation = fc
  .oneof(
    { weight: 6, arbitrary: hold },
    { weight: 4, arbitrary: voided },
    { weight: 6, arbitrary: settle },
    { weight: 5, arbitrary: grant },
    { weight: 2, arbitrary: debit },
    { weight: 3, arbitrary: clawBack },
    { weight: 4, arbitrary: dispute },
    { weight: 3, arbitrary: expire },
    { weight: 1, arbitrary: status },
    { weight: 1, arbitrary: stopKey },
    { weight: 4, arbitrary: limits },
    { weight: 1, arbitrary: slowKey },
    { weight: 2, arbitrary: endCall },
  )
  .map((plan) => ({
    plan,
    [fc.toStringMethod]: () => JSON.stringify(plan(testId<TenantId>('tenant', 'x'), NOON_MS)),
  }));

/** Credits bought and calls in flight: what most of the other operations need to have any effect. */
export const openingMoves: readonly Planned[] = [
  (tenantId, nowMs) => ({
    op: 'grant',
    input: aGrant(tenantId, 'g0', {
      amountMicro: micro(50),
      nowMs,
      source: { kind: 'payment', id: 'pay-0' },
    }),
  }),
  ...[0, 1].map(
    (n): Planned =>
      (tenantId, nowMs) => ({
        op: 'hold',
        place: aHold(tenantId, `n${n}`, {
          amountMicro: micro(20),
          nowMs,
          expiresAtMs: nowMs + 20 * SECOND_MS,
        }),
      }),
  ),
];

/** Which of an operation's requests meet which fault; mostly none. */
export const faultsOf = (kinds: readonly Fault[]): fc.Arbitrary<Readonly<Record<number, Fault>>> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.integer({ min: 0, max: 5 }).map(String), fc.constantFrom(...kinds), {
        maxKeys: 2,
      }),
    },
  );

/** The moment of the n-th operation of a history. */
export const momentOf = (n: number): number => NOON_MS + n * 10 * SECOND_MS;
