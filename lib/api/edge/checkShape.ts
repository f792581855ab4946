import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

/** Checks a value against a schema. A refusal says where (`param`: `messages[0].role`), and what is wanted there. */
export function checkShape<S extends z.core.$ZodType>(
  value: unknown,
  schema: S,
): Result<z.output<S>, ApiError> {
  const parsed = z.safeParse(schema, value, { reportInput: true });
  if (parsed.success) return ok(parsed.data);
  const { path, message } = describeIssue(parsed.error);
  return err({
    code: 'invalid_request',
    message: `${path === '' ? 'The body' : `'${path}'`} ${message}.`,
    param: path === '' ? null : path,
  });
}
