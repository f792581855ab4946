import type { DatasetTools } from '#core/datasets/ports.ts';
import { findPii } from '#io/datasets/pii.ts';
import { nodeSha256 } from '#io/datasets/sha256.ts';

/** The real tools without a tokenizer, which is slow to load. */
export const TOOLS: DatasetTools = { sha256: nodeSha256, findPii };

export const chatLine = (user: string, assistant: string): string =>
  JSON.stringify({
    messages: [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ],
  });

export const itemLine = (item: unknown, rest: object = {}): string => JSON.stringify({ item, ...rest });

export const bytesOf = (...lines: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));

/** The bytes in chunks of this size, as a stream brings them. */
export function* chunked(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
