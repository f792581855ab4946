import { expect, test } from 'vitest';
import {
  abandoned,
  admit,
  answered,
  type Breaker,
  CLOSED,
  failed,
  MAX_FAILURES,
} from '#core/routing/breaker.ts';

const NOW = 1_000_000;
const failing = (times: number, from: Breaker = CLOSED, nowMs = NOW): Breaker =>
  Array.from({ length: times }).reduce<Breaker>((breaker) => failed(breaker, nowMs), from);
/** The breaker after the probe at `nowMs` was let through. */
function probing(breaker: Breaker, nowMs: number): Breaker {
  const admission = admit(breaker, nowMs);
  if (!admission.admitted) throw new Error('not admitted');
  return admission.breaker;
}

test('an engine that fails fewer times in a row is called on', () => {
  expect(admit(failing(MAX_FAILURES - 1), NOW)).toMatchObject({ admitted: true });
});

test('an engine that fails too often rests, and says for how long', () => {
  const open = failing(MAX_FAILURES);
  expect(admit(open, NOW)).toEqual({ admitted: false, retryAfterSeconds: 5 });
  expect(admit(open, NOW + 4_001)).toEqual({ admitted: false, retryAfterSeconds: 1 });
});

test('after the rest one call goes through, and the others wait for it', () => {
  const half = probing(failing(MAX_FAILURES), NOW + 5_000);
  expect(admit(half, NOW + 5_000)).toEqual({ admitted: false, retryAfterSeconds: 1 });
});

test('a probe that is answered lets the others in, but one more failure closes the way', () => {
  const open = answered(probing(failing(MAX_FAILURES), NOW + 5_000));
  expect(admit(open, NOW + 5_000)).toMatchObject({ admitted: true });
  expect(admit(failed(open, NOW + 5_001), NOW + 5_001)).toEqual({ admitted: false, retryAfterSeconds: 10 });
});

test('rests grow, up to a minute', () => {
  let breaker = failing(MAX_FAILURES);
  const rests: number[] = [];
  let nowMs = NOW;
  for (let n = 0; n < 6; n += 1) {
    const admission = admit(breaker, nowMs);
    if (admission.admitted) throw new Error('it does not rest');
    rests.push(admission.retryAfterSeconds);
    nowMs += admission.retryAfterSeconds * 1000;
    breaker = failed(probing(breaker, nowMs), nowMs);
  }
  expect(rests).toEqual([5, 10, 20, 40, 60, 60]);
});

test('a probe whose caller left makes way for the next one', () => {
  const left = abandoned(probing(failing(MAX_FAILURES), NOW + 5_000), NOW + 5_100);
  expect(admit(left, NOW + 5_100)).toMatchObject({ admitted: true, breaker: { state: 'half_open' } });
});

test('failures of calls that began before the rest do not make it longer', () => {
  expect(failing(50)).toEqual(failing(MAX_FAILURES));
});
