import { dispatchAccount } from '#api/control/dispatchAccount.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { wireAccount } from '#io/wire/account.ts';

const { deps, log } = wireAccount(process.env);

/** Serves what a client asks of its own account: credits, usage, subscription, statements, models. */
export const handler = makeHttpHandler({ ...log, dispatch: (request) => dispatchAccount(deps, request) });
