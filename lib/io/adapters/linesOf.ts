import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The lines of a stream of text. Leaving early ends the stream. */
export async function* linesOf(body: Readable): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    body.destroy();
  }
}
