import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { CliError } from './cliError.ts';

/** A line names one call; its longest part, the client's own name of a user, is bounded by the API. */
const MAX_LINE_CHARS = 1_000_000;

/** Lines of one object, as many as came with one piece of it. */
export type ArchiveLines = { readonly lines: readonly string[]; readonly where: string };

/**
 * Every line of a copy of the usage archive, of the days that begin with `days` (`2026-11`), oldest day first, piece
 * by piece. Throws a CliError for a directory that cannot be read or an object that is damaged.
 */
export async function* archiveLines(directory: string, days: string): AsyncGenerator<ArchiveLines> {
  for (const day of await namesIn(directory, `dt=${days}`)) {
    for (const hour of await namesIn(join(directory, day), 'hour=')) {
      for (const object of await namesIn(join(directory, day, hour), '')) {
        const where = join(directory, day, hour, object);
        if (object.endsWith('.jsonl.gz')) yield* linesOf(where);
      }
    }
  }
}

async function namesIn(directory: string, prefix: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.startsWith(prefix)).sort();
  } catch (error) {
    throw unreadable(directory, error);
  }
}

async function* linesOf(where: string): AsyncGenerator<ArchiveLines> {
  const decoder = new TextDecoder();
  const file = createReadStream(where);
  const bytes = file.pipe(createGunzip());
  file.on('error', (error) => bytes.destroy(error)); // a pipe does not pass it on
  let rest = '';
  try {
    for await (const piece of bytes) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARS) throw new Error('a line has no end');
      yield { lines, where };
    }
  } catch (error) {
    throw unreadable(where, error);
  }
  if (rest !== '') yield { lines: [rest], where };
}

const unreadable = (where: string, error: unknown): CliError =>
  new CliError(
    'usage',
    `${where} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    'Name a copy of the archive’s folder "usage".',
  );
