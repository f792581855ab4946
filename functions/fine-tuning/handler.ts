import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { dispatchFineTuning } from '#api/fineTuning/dispatchFineTuning.ts';
import { wireFineTuning } from '#io/wire/fineTuning.ts';

const { deps, log } = wireFineTuning(process.env);

/** Serves the fine-tuning routes. */
export const handler = makeHttpHandler({ ...log, dispatch: (request) => dispatchFineTuning(deps, request) });
