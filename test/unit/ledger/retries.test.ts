import { TransactionCanceledException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { LedgerUnavailable } from '#core/ledger/ports.ts';
import { MOVED, type Patience, withRetries } from '#io/dynamodb/ledgerRetry.ts';

/** Counts its pauses instead of sleeping through them. */
function watch(): Patience & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return { pauses, random: () => 0.5, sleep: async (ms) => void pauses.push(ms) };
}

const conflict = () => new TransactionConflictException({ $metadata: {}, message: 'busy' });
const cancelled = (...codes: readonly string[]) =>
  new TransactionCanceledException({
    $metadata: {},
    message: 'cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
  });

/** An attempt that meets these outcomes one after the other. */
function meeting(...outcomes: readonly (Error | typeof MOVED | string)[]) {
  let n = 0;
  return async () => {
    const outcome = outcomes[Math.min(n, outcomes.length - 1)];
    n += 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
}

test('tries again after conflicts, throttling, and a book that moved, and then answers', async () => {
  const patience = watch();
  const attempt = meeting(conflict(), cancelled('None', 'ThrottlingError'), MOVED, 'done');
  expect(await withRetries(patience, attempt)).toBe('done');
  expect(patience.pauses).toHaveLength(3);
});

test('pauses longer from time to time, but never beyond a limit', async () => {
  const patience = watch();
  await withRetries(patience, meeting(conflict())).catch(() => {});
  expect(patience.pauses[1]).toBeGreaterThan(patience.pauses[0] ?? 0);
  expect(Math.max(...patience.pauses)).toBeLessThanOrEqual(250);
});

test('gives up past the limit and says that the ledger is unavailable', async () => {
  await expect(withRetries(watch(), meeting(conflict()))).rejects.toBeInstanceOf(LedgerUnavailable);
  await expect(withRetries(watch(), meeting(MOVED))).rejects.toBeInstanceOf(LedgerUnavailable);
});

test('a refusal that no repetition cures passes through at once', async () => {
  const patience = watch();
  const error = cancelled('ValidationError');
  await expect(withRetries(patience, meeting(error))).rejects.toBe(error);
  expect(patience.pauses).toHaveLength(0);
});
