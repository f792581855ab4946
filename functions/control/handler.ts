import { dispatch } from '#api/control/dispatch.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { wireControl } from '#io/wire/control.ts';

const { deps, log } = wireControl(process.env);

/** Serves the agency's routes. */
export const handler = makeHttpHandler({ ...log, dispatch: (request) => dispatch(deps, request) });
