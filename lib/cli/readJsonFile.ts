import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { findRepeatedKey } from '#core/shared/findRepeatedKey.ts';
import type { JsonObject } from './apiClient.ts';
import { CliError } from './cliError.ts';

const Json = z.record(z.string(), z.unknown());

/** A JSON object in a file. A file that cannot be read, or holds something else, ends the command. */
export function readJsonFile(file: string): JsonObject {
  const { success, data } = Json.safeParse(readAny(file));
  if (success) return data;
  throw new CliError('usage', `${file} holds no JSON object`, 'Name a JSON file.');
}

function readAny(file: string): unknown {
  try {
    const text = readFileSync(file, 'utf8');
    const value = JSON.parse(text);
    const again = findRepeatedKey(text);
    if (again !== undefined) throw new Error(`${again} is given twice: keep one of them`);
    return value;
  } catch (error) {
    throw new CliError(
      'usage',
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Name a JSON file.',
    );
  }
}
