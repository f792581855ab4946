import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import { FILE_PURPOSES, type StoredFile } from '#core/files/types.ts';

/** A file's name is shown and sent back as a download's name, and is never part of a path. */
export const filenameField = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(255),
    z.regex(/^[^\p{Cc}/\\]*$/u, 'must be a file name, without slashes and control characters'),
  );
export const purposeField = z.enum(FILE_PURPOSES);

/** A file as OpenAI shows it. */
export const fileObject = (file: StoredFile) => ({
  id: file.id,
  object: 'file',
  bytes: file.bytes,
  created_at: Math.floor(file.createdAtMs / 1000),
  filename: file.filename,
  purpose: file.purpose,
  status: file.status,
  status_details: file.statusDetails,
});

export const FILE_NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'You have no file with this id. GET /v1/files lists yours.',
  param: 'file_id',
};
