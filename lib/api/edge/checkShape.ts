import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

/** Checks a value against a schema. A refusal says where (`param`: `messages.0.role`), what is wrong and what is wanted. */
export function checkShape<S extends z.core.$ZodType>(
  value: unknown,
  schema: S,
): Result<z.output<S>, ApiError> {
  const parsed = z.safeParse(schema, value, { reportInput: true });
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  if (issue === undefined) return err({ code: 'invalid_request', message: 'The request has a wrong shape.' });
  return err(describeIssue(issue));
}

/** A schema's complaint in words that help. Schemas may bring their own words: `z.string({error: '…'})`. */
export function describeIssue(issue: z.core.$ZodIssue): ApiError {
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...issue.path.map(String), ...(unknownKey === undefined ? [] : [unknownKey])].join('.');
  const param = path === '' ? null : path;
  const name = param === null ? 'The body' : `'${param}'`;
  return { code: 'invalid_request', message: `${name} ${complaint(issue)}.`, param };
}

function complaint(issue: z.core.$ZodIssue): string {
  if (issue.path.length > 0 && 'input' in issue && issue.input === undefined)
    return `is required${wanted(issue)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'unrecognized_keys':
      return 'is not a known parameter. Remove it or check its spelling';
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${size(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${size(issue.maximum, issue.origin)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    default:
      // Schemas of formats and of rules of their own say what is wanted; the library's own text says nothing.
      return issue.message === '' || issue.message === 'Invalid input' ? 'has a wrong form' : issue.message;
  }
}

const wanted = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_type' ? ` (${article(issue.expected)})` : '';

function article(type: string): string {
  if (type === 'int') return 'an integer';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function size(limit: number | bigint, origin: string): string {
  const plural = Number(limit) === 1 ? '' : 's';
  if (origin === 'string') return `${limit} character${plural} long`;
  return origin === 'array' || origin === 'set' ? `${limit} item${plural} long` : String(limit);
}
