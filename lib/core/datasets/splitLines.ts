/** A line of a file, from 1. `bytes` is null for a line above the limit, which is passed over without being held. */
export type RawLine = { readonly number: number; readonly bytes: Uint8Array | null };

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into lines, holding at most one of them. The last line needs no newline; what follows the
 * last newline is a line only when it has bytes.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<RawLine> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let held = 0;
  let tooLong = false;
  const keep = (part: Uint8Array): void => {
    if (part.length === 0) return;
    held += part.length;
    tooLong ||= held > maxLineBytes;
    if (tooLong) parts = [];
    else parts.push(part);
  };
  const finish = (): RawLine => {
    const line = { number, bytes: tooLong ? null : joined(parts, held) };
    number += 1;
    parts = [];
    held = 0;
    tooLong = false;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      from = at + 1;
      yield finish();
    }
    // A copy: who sends the chunks may use their memory again.
    keep(new Uint8Array(chunk.subarray(from)));
  }
  if (held > 0) yield finish();
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
