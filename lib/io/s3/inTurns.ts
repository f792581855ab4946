import { setImmediate as nextTurn } from 'node:timers/promises';

/** So much is worked on in some ten milliseconds, even when it is tokenized. */
const TURN_BYTES = 8 * 1024;

/**
 * The same bytes in small pieces, with a turn of the event loop between them: what works on them leaves room for
 * whatever else the process does. On one machine that is every other function.
 */
export async function* inTurns(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += TURN_BYTES) {
      yield chunk.subarray(from, from + TURN_BYTES);
      await nextTurn();
    }
  }
}
