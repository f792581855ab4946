import { dispatchAdapters } from '#api/adapters/dispatchAdapters.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { wireAdapters } from '#io/wire/adapters.ts';

const { deps, log } = wireAdapters(process.env);

/** Serves the adapters routes, the agency's and the clients'. */
export const handler = makeHttpHandler({ ...log, dispatch: (request) => dispatchAdapters(deps, request) });
