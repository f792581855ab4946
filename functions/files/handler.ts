import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { dispatchFiles } from '#api/files/dispatchFiles.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import { wireFiles } from '#io/wire/files.ts';

const { deps, log } = wireFiles(process.env);

/** Serves the files routes. */
export const handler = makeHttpHandler({
  ...log,
  maxBodyBytes: FILE_LIMITS.refusedBytes,
  dispatch: (request) => dispatchFiles(deps, request),
});
