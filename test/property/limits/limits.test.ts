import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { changeLimits } from '#core/limits/changeLimits.ts';
import { countHold } from '#core/limits/countHold.ts';
import { countCharge, endCall, forgetPastOf, uncountHold } from '#core/limits/endHold.ts';
import type { AccountLimits, Counted, LimitRules } from '#core/limits/types.ts';
import { periodAt } from '#core/limits/windows.ts';
import type { KeyId } from '#core/shared/ids.ts';
import { NOON_MS, testId } from '#test/builders/ledger.ts';
import { runs } from '#test/builders/runs.ts';

const KEYS = ['a', 'b'].map((body) => testId<KeyId>('key', body));
const WINDOW_MS = 60_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati', 'Australia/Lord_Howe'];
/** Around which the clocks of some zone change, a month or a leap day ends, or nothing happens. */
const STARTS = [
  NOON_MS,
  Date.UTC(2026, 2, 29, 0, 58),
  Date.UTC(2026, 9, 25, 0, 58),
  Date.UTC(2026, 10, 1, 5, 58),
  Date.UTC(2028, 1, 28, 23, 58),
  Date.UTC(2028, 1, 29, 23, 58),
  Date.UTC(2026, 11, 31, 9, 58),
];

type Use = {
  readonly keyId: KeyId;
  readonly atMs: number;
  readonly tokens: number;
  readonly amountMicro: number;
  readonly counted: Counted;
};

const move = fc.record({
  waitMs: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 4_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 26 * 3_600_000 }) },
  ),
  what: fc.constantFrom('use', 'use', 'use', 'use', 'settle', 'void', 'end'),
  key: fc.constantFrom(...KEYS),
  tokens: fc.integer({ min: 0, max: 40 }),
  amountMicro: fc.integer({ min: 0, max: 40 }),
  /** Of what was held, what is charged in the end. */
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  which: fc.nat({ max: 7 }),
});

const maybe = (max: number) => fc.option(fc.integer({ min: 0, max }), { nil: undefined });
const someRules = fc
  .record({ requests: maybe(5), tokens: maybe(100), calls: maybe(3), day: maybe(120), month: maybe(200) })
  .map((rules): LimitRules => JSON.parse(JSON.stringify(rules)));

const history = fc.record({
  tenant: someRules,
  key: someRules,
  timeZone: fc.constantFrom(...ZONES),
  startMs: fc.constantFrom(...STARTS),
  moves: fc.array(move, { minLength: 5, maxLength: 60, size: 'max' }),
});

function limitsOf(rules: Readonly<Record<string, LimitRules>>, timeZone: string): AccountLimits {
  let limits: AccountLimits | undefined;
  for (const [scope, its] of Object.entries(rules)) {
    const changed = changeLimits(
      limits,
      {
        scope: scope === 'tenant' ? 'tenant' : testId<KeyId>('key', 'a'),
        rules: its,
        timeZone,
        nowMs: NOON_MS,
      },
      () => 0,
    );
    if (!changed.ok) throw new Error(changed.error.code);
    limits = changed.value;
  }
  if (limits === undefined) throw new Error('no limits');
  return limits;
}

test.prop([history], runs(400))(
  'no limit is passed in any window, whatever comes and goes, and nothing is refused below it',
  ({ tenant, key, timeZone, startMs, moves }) => {
    let limits = limitsOf({ tenant, key }, timeZone);
    let nowMs = startMs;
    const passed: Use[] = [];
    /** What each use takes now: the most before it is settled, then what it took. */
    const took = new Map<Use, { tokens: number; amountMicro: number }>();
    const open = new Set<Use>();
    const running = new Set<Use>();

    for (const { waitMs, what, key: keyId, tokens, amountMicro, share, which } of moves) {
      nowMs += waitMs;
      const one = [...open][which % Math.max(open.size, 1)];
      if (what === 'use') {
        const outcome = countHold(limits, { keyId, nowMs, tokens, amountMicro });
        const mine = { keyId, atMs: nowMs, tokens, amountMicro };
        const verdict = naive({ tenant, key, timeZone }, { passed, took, running }, mine);
        if (outcome.ok) {
          expect(verdict.mustRefuse).toBe(false);
          limits = outcome.value.limits;
          const use = { ...mine, counted: outcome.value.counted };
          passed.push(use);
          took.set(use, { tokens, amountMicro });
          open.add(use);
          running.add(use);
        } else {
          expect(verdict.mustPass).toBe(false);
        }
      } else if (one !== undefined && what === 'end') {
        limits = endCall(limits, held(one, !running.has(one)));
        running.delete(one);
      } else if (one !== undefined) {
        const charged =
          what === 'void'
            ? { tokens: 0, amountMicro: 0 }
            : { tokens: Math.floor(one.tokens * share), amountMicro: Math.floor(one.amountMicro * share) };
        limits = uncountHold(limits, held(one, !running.has(one)));
        if (what === 'settle') {
          const { tokens: used, amountMicro: chargedMicro } = charged;
          limits = countCharge(limits, {
            keyId: one.keyId,
            startedAtMs: one.atMs,
            chargedMicro,
            tokens: used,
          });
          limits = forgetPastOf(limits, one.keyId, nowMs);
        }
        took.set(one, charged);
        open.delete(one);
        running.delete(one);
      }
    }
  },
);

const held = (use: Use, ended: boolean) => ({
  keyId: use.keyId,
  amountMicro: use.amountMicro,
  counted: ended ? { ...use.counted, ended: true as const } : use.counted,
});

type Seen = {
  readonly passed: readonly Use[];
  readonly took: ReadonlyMap<Use, { readonly tokens: number; readonly amountMicro: number }>;
  readonly running: ReadonlySet<Use>;
};

/** By looking at every use that ever passed: whether another would break a promise, or must pass. */
function naive(
  rules: { readonly tenant: LimitRules; readonly key: LimitRules; readonly timeZone: string },
  { passed, took, running }: Seen,
  mine: Omit<Use, 'counted'>,
): { readonly mustRefuse: boolean; readonly mustPass: boolean } {
  let [mustRefuse, mustPass] = [false, true];
  for (const scope of ['tenant', 'key'] as const) {
    if (scope === 'key' && mine.keyId !== KEYS[0]) continue;
    const its = passed.filter((use) => scope === 'tenant' || use.keyId === KEYS[0]);
    const within = (ms: number) => its.filter((use) => mine.atMs - use.atMs < ms);
    const tokensOf = (uses: readonly Use[]) => uses.reduce((n, use) => n + (took.get(use)?.tokens ?? 0), 0);
    const spentIn = (kind: 'day' | 'month') =>
      its
        .filter(
          (use) => periodAt(kind, rules.timeZone, use.atMs) === periodAt(kind, rules.timeZone, mine.atMs),
        )
        .reduce((n, use) => n + (took.get(use)?.amountMicro ?? 0), 0);
    const check = (max: number | undefined, least: number, most: number): void => {
      if (max === undefined) return;
      if (least > max) mustRefuse = true;
      if (most > max) mustPass = false;
    };
    const { requests, tokens, calls, day, month } = rules[scope];
    const SLOT_MS = 5_000;
    check(requests, within(WINDOW_MS).length + 1, within(WINDOW_MS + SLOT_MS).length + 1);
    check(
      tokens,
      tokensOf(within(WINDOW_MS)) + mine.tokens,
      tokensOf(within(WINDOW_MS + SLOT_MS)) + mine.tokens,
    );
    const now = [...running].filter((use) => scope === 'tenant' || use.keyId === KEYS[0]).length + 1;
    check(calls, now, now);
    check(day, spentIn('day') + mine.amountMicro, spentIn('day') + mine.amountMicro);
    check(month, spentIn('month') + mine.amountMicro, spentIn('month') + mine.amountMicro);
  }
  return { mustRefuse, mustPass };
}
