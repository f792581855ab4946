import { Readable } from 'node:stream';
import type { RunningCall } from '#core/inference/runCall.ts';
import type { InferenceEvent } from '#core/inference/types.ts';

/**
 * A running call as a byte stream. A stream that is destroyed before its end means that the client has gone: the
 * call is told at once, even while it waits for the engine's next token. (A generator would not do: it hears of
 * its consumer's end only between two tokens, and not at all before the first.)
 */
export function callStream(
  call: Pick<RunningCall, 'next' | 'leave'>,
  write: (event: InferenceEvent) => string,
): Readable {
  return new Readable({
    read() {
      call.next().then(
        (event) => this.push(event === undefined ? null : write(event)),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      call.leave(); // changes nothing when the call has ended
      callback(error);
    },
  });
}
