import type { ApiError } from '#api/errors.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

const MAX_DEPTH = 64;

/**
 * Reads bytes as JSON, strictly: UTF-8 without a byte order mark, at most `MAX_DEPTH` levels deep, no half
 * surrogates (they could not be stored or passed on). Errors: invalid_json.
 */
export function readJson(body: Uint8Array): Result<unknown, ApiError> {
  if (body.length === 0) return invalid('The body is empty. Send a JSON object.');
  const text = decode(body);
  if (text === undefined) return invalid('The body is not valid UTF-8.');
  if (text.startsWith('\ufeff')) return invalid('The body begins with a byte order mark. Send plain UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return invalid(`The body is not valid JSON${position(error)}.`);
  }
  const fault = faultIn(value);
  return fault === undefined ? ok(value) : invalid(fault);
}

const invalid = (message: string) => err({ code: 'invalid_json', message } satisfies ApiError);

function decode(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** Where the parser stopped, and not what it saw there: an answer repeats nothing of a body that could not be read. */
function position(error: unknown): string {
  const at = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return at === undefined ? '' : ` (at character ${at})`;
}

/** Walks the value level by level rather than recursively, so that depth costs no stack. */
function faultIn(root: unknown): string | undefined {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `The body is nested more than ${MAX_DEPTH} levels deep.`;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string' && !value.isWellFormed()) return HALF_SURROGATE;
      if (typeof value !== 'object' || value === null) continue;
      if (!Array.isArray(value) && !Object.keys(value).every((key) => key.isWellFormed()))
        return HALF_SURROGATE;
      for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
  return undefined;
}

const HALF_SURROGATE = 'The body holds text that is not valid Unicode (half of a surrogate pair).';
