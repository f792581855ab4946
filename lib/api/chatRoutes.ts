import type { Route } from './routes.ts';

const auth = { kind: 'key', scope: 'chat' } as const;

/** The routes of the chat function, apart from the others: its bundle has no room for the whole table. */
export const CHAT_ROUTES = {
  createChatCompletion: {
    method: 'POST',
    path: '/chat/completions',
    auth,
    function: 'chat',
  },
  createCompletion: {
    method: 'POST',
    path: '/completions',
    auth,
    function: 'chat',
  },
} satisfies Readonly<Record<string, Route>>;
