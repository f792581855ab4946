import type { Readable } from 'node:stream';
import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { requestIdOf } from '#api/edge/readRequest.ts';
import { type EdgeLog, recordRequests } from '#api/edge/recordRequests.ts';
import { refusalOfThrown } from '#api/edge/refusalOfThrown.ts';
import { SECURITY_HEADERS, toProxyResult } from '#api/edge/toProxyResult.ts';
import { refuse } from '#api/http.ts';
import { answerChat, type ChatAnswer, type ChatDependencies } from './answerChat.ts';
import { matchChatRoute } from './matchChatRoute.ts';

/** What a streaming proxy integration returns: the head of the answer, and its body as text or as a stream. */
type StreamedResult = {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly body: string | Readable;
};

/**
 * The chat function's handler, streaming by `awslambda.streamifyResponse`. The invocation ends when the call is
 * metered, not when its last byte is written: `requestEnd` waits, because `after` runs before the stream.
 */
export function makeChatHandler({ logger, metrics, ...dependencies }: ChatDependencies & EdgeLog) {
  const answers = new WeakMap<object, ChatAnswer>();
  return middy<APIGatewayProxyEvent, StreamedResult>({
    executionMode: executionModeStreamifyResponse,
    timeoutEarlyInMillis: 0, // a call that runs out of time ends with the engine's own limit, not with half an answer
    requestEnd: ({ event }) => endAnswer(isObject(event) ? answers.get(event) : undefined),
  })
    .use(recordRequests({ logger, metrics, matchRoute: matchChatRoute }))
    .onError((request) => {
      const requestId = requestIdOf(request.event);
      logger.error('request failed', { requestId, error: asError(request.error) });
      request.response = toProxyResult(refuse(refusalOfThrown(request.error)), requestId);
    })
    .handler(async (event) => {
      const answer = await answerChat(dependencies, event);
      answers.set(event, answer);
      const requestId = requestIdOf(event);
      if (answer.kind === 'plain') return toProxyResult(answer.response, requestId);
      const headers = { ...SECURITY_HEADERS, ...answer.headers, 'x-request-id': requestId };
      return { statusCode: 200, headers, body: answer.body };
    });
}

/**
 * Waits for what an answer leaves to do. Whoever hangs up before the head of the answer is written leaves a body
 * that nobody begins to read, and so nobody ends: destroying it tells the call that its client has gone.
 */
async function endAnswer(answer: ChatAnswer | undefined): Promise<void> {
  if (answer?.kind === 'stream') answer.body.destroy(); // changes nothing when it was read to its end
  await answer?.ended;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
