import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { matchRoute } from '#api/matchRoute.ts';
import { readRequest, requestIdOf } from './readRequest.ts';
import { type EdgeLog, recordRequests } from './recordRequests.ts';
import { refusalOfThrown } from './refusalOfThrown.ts';
import { toProxyResult } from './toProxyResult.ts';

/** Bodies of control routes are small forms; anything larger is a mistake. */
export const MAX_BODY_BYTES = 1_000_000;

export type HttpHandlerOptions = EdgeLog & {
  readonly dispatch: (request: ApiRequest) => Promise<ApiResponse>;
  readonly maxBodyBytes?: number;
};

/**
 * A Lambda handler for REST-proxy events: reads the request, gives it to `dispatch`, writes the answer, logs and
 * counts it. Whatever is thrown becomes an error of the table, with its cause in the log and nowhere else.
 */
export function makeHttpHandler({ dispatch, maxBodyBytes = MAX_BODY_BYTES, ...log }: HttpHandlerOptions) {
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .use(recordRequests({ ...log, matchRoute }))
    .onError((request) => {
      const requestId = requestIdOf(request.event);
      log.logger.error('request failed', { requestId, error: asError(request.error) });
      request.response = toProxyResult(refuse(refusalOfThrown(request.error)), requestId);
    })
    .handler(async (event) => {
      const request = readRequest(event, { matchRoute, maxBodyBytes });
      const response = request.ok ? await dispatch(request.value) : refuse(request.error);
      return toProxyResult(response, requestIdOf(event));
    });
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
