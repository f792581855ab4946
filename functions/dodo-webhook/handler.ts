import { answerWebhook } from '#api/answerWebhook.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { wireDodoWebhook } from '#io/wire/dodoWebhook.ts';

const { deps, edge } = wireDodoWebhook(process.env);

/** Takes Dodo's webhooks: verified, stored, queued and acknowledged; what they mean is the next function's work. */
export const handler = makeHttpHandler({ ...edge, dispatch: (request) => answerWebhook(deps, request) });
