import { expect, test } from 'vitest';
import { inTurns } from '#io/s3/inTurns.ts';

async function* source(...chunks: readonly Buffer[]) {
  yield* chunks;
}

test('gives every byte in its order, and a turn to others between the pieces', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  let turns = 0;
  let ended = false;
  const others = (): void => {
    turns += 1;
    if (!ended) setImmediate(others);
  };
  setImmediate(others);
  const pieces: Uint8Array[] = [];
  for await (const piece of inTurns(source(bytes.subarray(0, 100_000), bytes.subarray(100_000))))
    pieces.push(piece);
  ended = true;
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(turns).toBeGreaterThan(20);
});
