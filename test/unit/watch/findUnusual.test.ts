import { describe, expect, test } from 'vitest';
import { micro } from '#core/shared/money.ts';
import { findUnusual } from '#core/watch/findUnusual.ts';
import type { KeyHour } from '#core/watch/types.ts';
import { type WatchSettings, watchRulesOf } from '#core/watch/watchRules.ts';
import { networkOf } from '#io/networkHash.ts';
import { KEY_A } from '#test/builders/ledger.ts';

const HOUR = '2026-03-02T12';
const TODAY = '2026-03-02';

const anHour = (over: Partial<KeyHour>): KeyHour => ({
  hour: HOUR,
  keyId: KEY_A,
  calls: 0,
  inputTokens: 0,
  inputSquares: 0,
  perMinute: {},
  networks: [],
  ...over,
});

const found = (
  hours: readonly KeyHour[],
  calls: Readonly<Record<string, number>> = {},
  settings?: WatchSettings,
) =>
  findUnusual({
    rules: watchRulesOf(settings),
    hour: HOUR,
    hours,
    today: TODAY,
    rollups: Object.entries(calls).map(([day, n]) => ({
      day,
      keyId: KEY_A,
      model: 'support',
      calls: n,
      failedCalls: 0,
      inputTokens: 0,
      outputTokens: 0,
      computeMs: 0,
      costMicro: micro(0),
    })),
  }).map(({ kind, seen, usual }) => ({ kind, seen, usual }));

describe('a jump', () => {
  const quiet = { '2026-02-27': 100, '2026-02-28': 400, '2026-03-01': 50 };

  test('is five times the busiest day before, from a thousand calls on', () => {
    expect(found([], { ...quiet, [TODAY]: 2_000 })).toEqual([{ kind: 'jump', seen: 2_000, usual: 400 }]);
    expect(found([], { ...quiet, [TODAY]: 1_999 })).toEqual([]);
    expect(found([], { '2026-02-27': 1, '2026-02-28': 1, '2026-03-01': 1, [TODAY]: 999 })).toEqual([]);
  });

  test('needs a history of three days', () => {
    expect(found([], { '2026-02-28': 1, '2026-03-01': 1, [TODAY]: 5_000 })).toEqual([]);
  });
});

describe('scraping', () => {
  /** An hour with so many calls in each minute, and prompts that alternate between two lengths. */
  const paced = (perMinute: (minute: number) => number, lengths: readonly [number, number]): KeyHour => {
    const counts = Array.from({ length: 60 }, (_, minute) => perMinute(minute));
    const calls = counts.reduce((sum, n) => sum + n, 0);
    const [short, long] = lengths;
    return anHour({
      calls,
      perMinute: Object.fromEntries(counts.entries()),
      inputTokens: (calls * (short + long)) / 2,
      inputSquares: (calls * (short ** 2 + long ** 2)) / 2,
    });
  };

  test('is an even pace with prompts of one length', () => {
    expect(found([paced(() => 6, [100, 120])])).toEqual([{ kind: 'scraping', seen: 360, usual: 300 }]);
  });

  test.each([
    ['prompts that differ as people’s do', paced(() => 6, [20, 300])],
    ['a pace that goes up and down', paced((minute) => (minute % 2 === 0 ? 2 : 12), [100, 120])],
    ['too few calls', paced(() => 4, [100, 120])],
    ['calls in half an hour', paced((minute) => (minute < 30 ? 20 : 0), [100, 120])],
  ])('is not %s', (_, hour) => {
    const withCalls = Object.entries(hour.perMinute).filter(([, n]) => n > 0);
    expect(found([{ ...hour, perMinute: Object.fromEntries(withCalls) }])).toEqual([]);
  });
});

describe('many networks', () => {
  const from = (count: number, hour = HOUR) =>
    anHour({ hour, calls: count, networks: Array.from({ length: count }, (_, n) => `n${n}`) });

  test('are twenty in an hour, and three times as many as in the hours before', () => {
    expect(found([from(20)])).toEqual([{ kind: 'many_networks', seen: 20, usual: 0 }]);
    expect(found([from(19)])).toEqual([]);
    expect(found([from(15, '2026-03-02T03'), from(44)])).toEqual([]);
    expect(found([from(15, '2026-03-02T03'), from(45)])).toEqual([
      { kind: 'many_networks', seen: 45, usual: 15 },
    ]);
  });

  test.each([
    ['203.0.113.7', '203.0.113'],
    ['::ffff:203.0.113.9', '203.0.113'],
    ['2001:db8:0:7::1', '2001:db8:0'],
    ['2001:db8::1', '2001:db8:0'],
    ['::1', '0:0:0'],
  ])('the network of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('a tenant’s own rules', () => {
  const days = { '2026-02-27': 10, '2026-02-28': 10, '2026-03-01': 10, [TODAY]: 30 };
  const clockwork = anHour({
    calls: 60,
    perMinute: Object.fromEntries(Array.from({ length: 60 }, (_, minute) => [minute, 1])),
    inputTokens: 6_000,
    inputSquares: 600_000,
    networks: ['a', 'b', 'c'],
  });

  test('take the place of those that hold by themselves', () => {
    expect(found([clockwork], days)).toEqual([]);
    const lower: WatchSettings = {
      jump: { calls: 30, times: 3, days: 3 },
      scraping: { calls: 60, minutes: 60, variancePercent: 1, lengthPercent: 1 },
      many_networks: { networks: 3, times: 1 },
    };
    expect(found([clockwork], days, lower).map(({ kind }) => kind)).toEqual([
      'jump',
      'scraping',
      'many_networks',
    ]);
    expect(found([clockwork], days, { ...lower, jump: null, scraping: null, many_networks: null })).toEqual(
      [],
    );
  });

  test('of one kind leave the others as they are', () => {
    expect(found([clockwork], days, { many_networks: { networks: 3, times: 1 } })).toEqual([
      { kind: 'many_networks', seen: 3, usual: 0 },
    ]);
  });
});
