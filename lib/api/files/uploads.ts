import * as z from 'zod/mini';
import { idParam } from '#api/control/fields.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { DATASET_LIMITS } from '#core/datasets/limits.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import { completeUpload, openUpload } from '#core/files/uploads.ts';
import type { FileId } from '#core/shared/ids.ts';
import type { FileRouteHandler } from './dispatchFiles.ts';
import { FILE_NOT_FOUND, filenameField, fileObject, purposeField } from './fields.ts';

const NewUpload = z.strictObject({
  filename: filenameField,
  purpose: purposeField,
  /** How many bytes the file has. */
  bytes: z.int().check(z.gte(1), z.lte(DATASET_LIMITS.fileBytes)),
});

/** `POST /files/uploads` `{filename, purpose, bytes}` → the form to post the file's bytes with, and the id it will have. */
export const createFileUpload: FileRouteHandler = async (deps, request) => {
  const body = readBody(request, NewUpload);
  if (!body.ok) return refuse(body.error);
  const { upload, form } = await openUpload(deps, { tenantId: callingTenant(request), ...body.value });
  return respond(200, {
    object: 'file.upload',
    file_id: upload.id,
    url: form.url,
    fields: form.fields,
    expires_at: Math.floor(upload.createdAtMs / 1000) + FILE_LIMITS.uploadSeconds,
  });
};

/** `POST /files/{file}/complete` → the file. Repeated, the same file. */
export const completeFileUpload: FileRouteHandler = async (deps, request) => {
  const id = idParam<FileId>(request, 'file', 'file');
  if (id === undefined) return refuse(FILE_NOT_FOUND);
  const completed = await completeUpload(deps, callingTenant(request), id);
  if (completed.ok) return respond(200, fileObject(completed.value));
  return refuse(completed.error.code === 'unknown_upload' ? FILE_NOT_FOUND : NOTHING_UPLOADED);
};

const NOTHING_UPLOADED: ApiError = {
  code: 'invalid_request',
  message: 'Nothing was uploaded yet. Post the bytes with the form of POST /v1/files/uploads first.',
};
