import type { Readable } from 'node:stream';

/** How much of a body that is too large is still read and thrown away, in multiples of the limit. */
const DRAIN_FACTOR = 4;

/**
 * Reads a whole body into memory, or answers undefined when it has more bytes than the limit. What is beyond is read
 * and thrown away up to a bound, because a client that is still sending does not read the answer. Throws when the
 * client is gone.
 */
export async function readLimited(source: Readable, maxBytes: number): Promise<Buffer | undefined> {
  let chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks = [];
    if (size > maxBytes * DRAIN_FACTOR) break;
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks);
}
