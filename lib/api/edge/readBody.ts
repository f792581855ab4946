import type * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { err, type Result } from '#core/shared/result.ts';
import { checkShape } from './checkShape.ts';
import { readJson } from './readJson.ts';

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

/** Reads the body as JSON of this shape. Errors: unsupported_media_type, invalid_json, invalid_request (with `param`). */
export function readBody<S extends z.core.$ZodType>(
  request: Pick<ApiRequest, 'headers' | 'body'>,
  schema: S,
): Result<z.output<S>, ApiError> {
  const type = request.headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) {
    return err({
      code: 'unsupported_media_type',
      message: 'This route takes JSON. Send the header "content-type: application/json".',
    });
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return err({ code: 'unsupported_media_type', message: 'The body is compressed. Send it plain.' });
  }
  const json = readJson(request.body);
  return json.ok ? checkShape(json.value, schema) : json;
}

/** Reads the query of this shape. Errors: invalid_request (with `param`). */
export function readQuery<S extends z.core.$ZodType>(
  request: Pick<ApiRequest, 'query'>,
  schema: S,
): Result<z.output<S>, ApiError> {
  return checkShape(request.query, schema);
}
