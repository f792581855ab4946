import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { checkShape } from '#api/edge/checkShape.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import { storeFile } from '#core/files/storeFile.ts';
import type { FileRouteHandler } from './dispatchFiles.ts';
import { filenameField, fileObject, purposeField } from './fields.ts';
import { readForm } from './readForm.ts';

const Fields = z.strictObject({ purpose: purposeField });
const FileName = z.object({ file: filenameField });

/** `POST /files` as a form of `purpose` and `file` → the file, checked already when it is small. */
export const createFile: FileRouteHandler = async (deps, request) => {
  if (request.body.length > FILE_LIMITS.requestBytes) return refuse(TOO_LARGE);
  const form = await readForm(request);
  if (!form.ok) return refuse(form.error);
  const { file } = form.value;
  // Without a name it is a text like any other.
  if ('file' in form.value.fields) return refuse(NO_FILE);
  const fields = checkShape({ ...form.value.fields }, Fields);
  if (!fields.ok) return refuse(fields.error);
  if (file === undefined || file.field !== 'file') return refuse(NO_FILE);
  const named = checkShape({ file: file.filename }, FileName);
  if (!named.ok) return refuse(named.error);
  if (file.content.length === 0) return refuse(EMPTY_FILE);
  const tenantId = callingTenant(request);
  const { purpose } = fields.value;
  const stored = await storeFile(deps, {
    tenantId,
    purpose,
    filename: named.value.file,
    content: file.content,
  });
  return respond(200, fileObject(stored));
};

const TOO_LARGE: ApiError = {
  code: 'request_too_large',
  message: `A form has ${FILE_LIMITS.requestBytes} bytes at most. A larger file goes past the API: POST /v1/files/uploads answers where to, and the id that it will have.`,
  param: 'file',
};

const NO_FILE: ApiError = {
  code: 'invalid_request',
  message: "'file' is required: add the file itself to the form, with its name.",
  param: 'file',
};

const EMPTY_FILE: ApiError = { code: 'invalid_request', message: 'The file is empty.', param: 'file' };
