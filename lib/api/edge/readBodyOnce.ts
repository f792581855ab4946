import type * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { findRepeatedKey } from '#core/shared/findRepeatedKey.ts';
import { err, type Result } from '#core/shared/result.ts';
import { readBody } from './readBody.ts';

/**
 * `readBody` for what people write by hand and money hangs on: a key that an object says twice is refused as well,
 * instead of its last value being taken. Errors: as readBody.
 */
export function readBodyOnce<S extends z.core.$ZodType>(
  request: Pick<ApiRequest, 'headers' | 'body'>,
  schema: S,
): Result<z.output<S>, ApiError> {
  const body = readBody(request, schema);
  if (!body.ok) return body;
  const param = findRepeatedKey(new TextDecoder().decode(request.body));
  if (param === undefined) return body;
  return err({ code: 'invalid_request', message: `'${param}' is given twice: keep one of them.`, param });
}
