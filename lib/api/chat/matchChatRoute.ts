import { CHAT_ROUTES } from '#api/chatRoutes.ts';
import { makeRouteMatcher } from '#api/routeMatcher.ts';

/** Finds the route of a request among those of the chat function. */
export const matchChatRoute = makeRouteMatcher(CHAT_ROUTES);
