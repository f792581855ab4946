import * as z from 'zod/mini';
import { idParam } from '#api/control/fields.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import { type ApiRequest, refuse, respond } from '#api/http.ts';
import type { FileDesk } from '#core/files/ports.ts';
import { removeFile } from '#core/files/removeFile.ts';
import type { StoredFile } from '#core/files/types.ts';
import type { FileId } from '#core/shared/ids.ts';
import type { FileRouteHandler } from './dispatchFiles.ts';
import { FILE_NOT_FOUND, fileObject, purposeField } from './fields.ts';

/** OpenAI allows 10,000 in a page; here a page has 100 at most and says that there are more. */
const MAX_ASKED = 10_000;
const MAX_PAGE = 100;

const ListQuery = z.strictObject({
  after: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  limit: z.optional(
    z.string().check(
      z.refine((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_ASKED, {
        error: `must be a whole number from 1 to ${MAX_ASKED}`,
      }),
    ),
  ),
  order: z.optional(z.enum(['asc', 'desc'])),
  purpose: z.optional(purposeField),
});

/** `GET /files?purpose=&order=&limit=&after=` → the tenant's files, newest first unless `order=asc`. */
export const listFiles: FileRouteHandler = async ({ files }, request) => {
  const query = readQuery(request, ListQuery);
  if (!query.ok) return refuse(query.error);
  const { after, limit, order, purpose } = query.value;
  const page = await files.list(callingTenant(request), {
    limit: Math.min(MAX_PAGE, Number(limit ?? MAX_PAGE)),
    newestFirst: order !== 'asc',
    ...(after === undefined ? {} : { cursor: after }),
    ...(purpose === undefined ? {} : { purpose }),
  });
  return respond(200, {
    object: 'list',
    data: page.files.map(fileObject),
    first_id: page.files[0]?.id ?? null,
    last_id: page.files.at(-1)?.id ?? null,
    has_more: page.more,
  });
};

/** `GET /files/{file}` */
export const retrieveFile: FileRouteHandler = async (deps, request) => {
  const file = await fileOf(deps, request);
  return file === undefined ? refuse(FILE_NOT_FOUND) : respond(200, fileObject(file));
};

/** `DELETE /files/{file}` */
export const deleteFile: FileRouteHandler = async (deps, request) => {
  const id = idParam<FileId>(request, 'file', 'file');
  const removed = id !== undefined && (await removeFile(deps, callingTenant(request), id));
  return removed ? respond(200, { id, object: 'file', deleted: true }) : refuse(FILE_NOT_FOUND);
};

/** The file that a path names, of the tenant who asks. */
export async function fileOf({ files }: FileDesk, request: ApiRequest): Promise<StoredFile | undefined> {
  const id = idParam<FileId>(request, 'file', 'file');
  return id === undefined ? undefined : files.read(callingTenant(request), id);
}
