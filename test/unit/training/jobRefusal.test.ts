import { expect, test } from 'vitest';
import { jobRefusal } from '#api/fineTuning/jobRefusal.ts';
import { micro } from '#core/shared/money.ts';

test('a job above a spend cap is told when the next day begins', () => {
  const refused = {
    code: 'limit_reached',
    scope: 'tenant',
    kind: 'day',
    max: 5_000_000,
    left: 1_000_000,
    retryAfterMs: 7_200_000,
    limits: { countsCalls: false },
  } as const;
  expect(
    jobRefusal({ code: 'not_held', refused, amountMicro: micro(2_000_000) }, 'https://top.up'),
  ).toMatchObject({
    code: 'spend_cap_reached',
    headers: { 'retry-after': '7200' },
    message: expect.stringContaining('1 are left'),
  });
});
