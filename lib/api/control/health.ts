import { respond } from '#api/http.ts';
import type { AccountHandler } from './dispatchAccount.ts';

/** `GET /healthz`: says that the API answers; it asks nothing else, so that a busy database does not restart us. */
export const healthz: AccountHandler = async () => respond(200, { status: 'ok' });
