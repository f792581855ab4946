import { makeChatHandler } from '#api/chat/chatHandler.ts';
import { wireChat } from '#io/wire/chat.ts';

/** Answers chats and completions: authenticates, holds credits, calls the engine, streams, meters. */
export const handler = makeChatHandler(wireChat(process.env));
