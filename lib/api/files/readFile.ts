import { isUtf8 } from 'node:buffer';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import { contentKey, reportKey } from '#core/files/types.ts';
import type { FileRouteHandler } from './dispatchFiles.ts';
import { FILE_NOT_FOUND } from './fields.ts';
import { fileOf } from './fileRecords.ts';

/** `GET /files/{file}/content` → its bytes, or for a large file a redirection to them, good for five minutes. */
export const readFileContent: FileRouteHandler = async (deps, request) => {
  const file = await fileOf(deps, request);
  if (file === undefined) return refuse(FILE_NOT_FOUND);
  if (file.bytes <= FILE_LIMITS.answeredBytes) {
    const bytes = await gather(await deps.objects.read(contentKey(file)));
    if (bytes === undefined) return refuse(FILE_NOT_FOUND);
    // An answer carries text; other bytes go by the link.
    if (isUtf8(bytes))
      return { status: 200, text: { type: 'application/jsonl', content: bytes.toString('utf8') } };
  }
  const link = await deps.objects.presignDownload(
    contentKey(file),
    file.filename,
    FILE_LIMITS.downloadSeconds,
  );
  return respond(302, undefined, { location: link });
};

/** `GET /files/{file}/report` → every mistake and the statistics, when the file is checked. */
export const readFileReport: FileRouteHandler = async (deps, request) => {
  const file = await fileOf(deps, request);
  if (file === undefined) return refuse(FILE_NOT_FOUND);
  if (file.status === 'uploaded') return refuse(NOT_CHECKED_YET);
  const report = await gather(await deps.objects.read(reportKey(file)));
  if (report === undefined) return refuse(noReport(file.statusDetails));
  return { status: 200, text: { type: 'application/json', content: report.toString('utf8') } };
};

/** Its check ended before it had one. */
const noReport = (statusDetails: string | null): ApiError => ({
  code: 'not_found',
  message: `This file has no report. ${statusDetails ?? ''}`.trimEnd(),
  param: 'file_id',
});

const NOT_CHECKED_YET: ApiError = {
  code: 'conflict',
  message: 'The file is still being checked. Ask again in a moment.',
  headers: { 'retry-after': '2' },
};

async function gather(chunks: AsyncIterable<Uint8Array> | undefined): Promise<Buffer | undefined> {
  if (chunks === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
