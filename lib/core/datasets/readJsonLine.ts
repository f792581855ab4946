import { err, ok, type Result } from '#core/shared/result.ts';
import { DATASET_LIMITS } from './limits.ts';
import type { FaultCode } from './types.ts';

export type LineRefused = { readonly code: FaultCode; readonly message: string; readonly fix: string };

const BYTE_ORDER_MARK = '\ufeff';
/** What a JSON text can begin with. A parser that throws is slow where a million lines are something else. */
const JSON_BEGIN = /^["{[\dtfn-]/;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a line's bytes as JSON; undefined for a blank line. A byte order mark in front of it is passed over. */
export function readJsonLine(bytes: Uint8Array): Result<unknown, LineRefused> {
  const text = decode(bytes);
  if (text === undefined) {
    return refuse('not_utf8', 'The line is not valid UTF-8.', 'Save the file as UTF-8.');
  }
  const plain = (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).trim();
  if (plain === '') return ok(undefined);
  if (!JSON_BEGIN.test(plain)) return notJson('');
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (error) {
    return notJson(position(error));
  }
  return checkNesting(value);
}

const notJson = (where: string) =>
  refuse(
    'not_json',
    `The line is not valid JSON${where}.`,
    'Write one JSON object on each line, without line breaks inside it and without commas between lines.',
  );

/** The decoder's own replacement of bytes would hide them, so it is told to be strict. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the parser stopped, and not what it saw there. */
function position(error: unknown): string {
  const at = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return at === undefined ? '' : ` (at character ${Number(at) + 1})`;
}

/** Walks level by level rather than recursively, so that depth costs no stack. */
function checkNesting(root: unknown): Result<unknown, LineRefused> {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DATASET_LIMITS.jsonDepth) {
      const message = `The line is nested more than ${DATASET_LIMITS.jsonDepth} levels deep.`;
      return refuse('nested_too_deep', message, 'Leave out what is not part of the messages.');
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string' && !isStorable(value)) return BAD_CHARACTER;
      if (typeof value !== 'object' || value === null) continue;
      if (!Array.isArray(value) && !Object.keys(value).every(isStorable)) return BAD_CHARACTER;
      for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
  return ok(root);
}

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

const refuse = (code: FaultCode, message: string, fix: string) =>
  err({ code, message, fix } satisfies LineRefused);

const BAD_CHARACTER = refuse(
  'bad_character',
  'The line holds a NUL character or half of a surrogate pair.',
  'Remove it: no tokenizer can read it.',
);
