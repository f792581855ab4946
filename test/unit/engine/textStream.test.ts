import { expect, test } from 'vitest';
import { makeTextStream } from '#local/engine/textStream.ts';

/** Feeds growing texts and answers the deltas, the last one being what the end gives free. */
function deltas(texts: readonly string[], stop: readonly string[] = []): readonly string[] {
  const stream = makeTextStream(stop);
  const out: string[] = [];
  for (const text of texts) {
    const step = stream.advance(text);
    out.push(step.delta);
    if (step.stopped) return out;
  }
  return [...out, stream.flush(texts.at(-1) ?? '')];
}

test('a character that is still incomplete waits for its last byte', () => {
  expect(deltas(['caf', 'caf\uFFFD', 'café!'])).toEqual(['caf', '', 'é!', '']);
});

test('an incomplete character at the end is never sent', () => {
  expect(deltas(['ok', 'ok\uFFFD\uFFFD']).join('')).toBe('ok');
});

test('a stop text ends the answer and is not part of it', () => {
  expect(deltas(['one', 'one two', 'one two three'], [' two'])).toEqual(['one', '']);
});

test('what may become a stop text is held back until it is decided', () => {
  expect(deltas(['a', 'aST', 'aSTxyz'], ['STOP'])).toEqual(['a', '', 'STxyz', '']);
  expect(deltas(['a', 'aST', 'aSTO'], ['STOP'])).toEqual(['a', '', '', 'STO']);
});

test('of several stop texts the first one in the answer counts', () => {
  expect(deltas(['x y z'], ['z', 'y'])).toEqual(['x ']);
});
