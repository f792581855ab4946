import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiError } from '#api/errors.ts';
import { gatewayPath } from '#api/gatewayPath.ts';
import { matchRoute } from '#api/matchRoute.ts';
import type { RouteMatch } from '#api/routeMatcher.ts';
import { ROUTES, type Route } from '#api/routes.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { readLimited } from '#local/shared/readLimited.ts';
import { authorize } from './authorize.ts';
import { ClientGone, LambdaStream } from './lambdaStream.ts';
import { type LocalFunction, TimedOut } from './localFunction.ts';
import { answerPreflight } from './preflight.ts';
import { guardProtocol, PROTOCOL_LIMITS } from './protocol.ts';
import { readTarget, type Target, toProxyEvent } from './proxyEvent.ts';
import { refuseRequest, respondWith } from './respond.ts';

/** API Gateway's quota of a request's body. */
export const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;
/** API Gateway's longest wait for an integration that does not stream. */
const INTEGRATION_TIMEOUT_MS = 29_000;
/** The account's concurrency: what comes above it is told to wait. */
const MAX_IN_FLIGHT = 1_000;
const FINISH_WITHIN_MS = 1_000;
const METER_WITHIN_MS = 700;
const LOOK_EVERY_MS = 10;

export type GatewayOptions = {
  readonly functions: Readonly<Record<Route['function'] | 'authorizer', LocalFunction>>;
  readonly log: (message: string, error?: unknown) => void;
};

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
};

export type Gateway = {
  readonly server: Server;
  /** Takes no more requests, lets those at work end for a moment, hangs up on the rest and lets them be metered. */
  readonly close: () => Promise<void>;
};

/** An HTTP server that does with requests what API Gateway does with them in front of the same functions. */
export function makeGateway({ functions, log }: GatewayOptions): Gateway {
  let inFlight = 0;

  async function handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const target = readTarget(request.url ?? '/');
    if (request.method === 'OPTIONS') return answerPreflight(request, response, target, exchange.requestId);
    const match = findRoute(request.method ?? 'GET', target);
    const body = await readLimited(request, MAX_PAYLOAD_BYTES);
    if (body === undefined) return refuse(exchange, TOO_LARGE, { close: true });
    if (!match.ok) return refuse(exchange, match.error);
    await callFunction(exchange, target, match.value, body);
  }

  async function callFunction(
    { request, response, requestId }: Exchange,
    target: Target,
    match: RouteMatch,
    body: Buffer,
  ): Promise<void> {
    const route: Route = ROUTES[match.routeId];
    const event = toProxyEvent({
      request,
      requestId,
      target,
      resource: gatewayPath(route.path),
      pathParameters: match.params,
      body,
      nowMs: Date.now(),
    });
    if (hasAuthorizer(route)) {
      const authorized = await authorize(functions.authorizer, event);
      if (!authorized.ok) return refuse({ request, response, requestId }, authorized.error);
      event.requestContext.authorizer = { ...authorized.value };
    }
    const served = functions[route.function];
    if (served.streaming) await served.invokeStreaming(event, new LambdaStream(response));
    else respondWith(response, await served.invoke(event, INTEGRATION_TIMEOUT_MS));
  }

  async function admit(exchange: Exchange): Promise<void> {
    if (inFlight >= MAX_IN_FLIGHT) return refuse(exchange, TOO_MANY, { close: true });
    inFlight += 1;
    try {
      await handle(exchange);
    } catch (error) {
      fail(exchange, error);
    } finally {
      inFlight -= 1;
    }
  }

  function fail(exchange: Exchange, error: unknown): void {
    const { request, requestId } = exchange;
    if (hasLeft(request, error)) return; // nobody is there to tell
    log(`${request.method} ${requestId} failed in its function`, error);
    refuse(exchange, error instanceof TimedOut ? TIMED_OUT : BROKEN);
  }

  const server = createServer(PROTOCOL_LIMITS, (request, response) => {
    void admit({ request, response, requestId: randomUUID() });
  });
  guardProtocol(server, MAX_PAYLOAD_BYTES, TOO_LARGE);

  const idleWithin = async (ms: number): Promise<void> => {
    const deadline = Date.now() + ms;
    while (inFlight > 0 && Date.now() < deadline) await sleep(LOOK_EVERY_MS);
  };
  return {
    server,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await idleWithin(FINISH_WITHIN_MS);
      server.closeAllConnections();
      await idleWithin(METER_WITHIN_MS);
    },
  };
}

/** A client that left before the head of its answer leaves nothing that the answer's body could be piped to. */
const hasLeft = (request: IncomingMessage, error: unknown): boolean =>
  error instanceof ClientGone ||
  (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_UNABLE_TO_PIPE') ||
  (request.destroyed && !request.complete);

/** The chat function checks keys itself; signatures are checked over the body, which an authorizer never sees. */
const hasAuthorizer = (route: Route): boolean =>
  route.function !== 'chat' && route.auth.kind !== 'none' && route.auth.kind !== 'signature';

function findRoute(method: string, target: Target): Result<RouteMatch, ApiError> {
  const found =
    target.path === undefined ? err({ code: 'not_found' } as const) : matchRoute(method, target.path);
  if (found.ok) return ok(found.value);
  if (found.error.code === 'not_found') return err(NOT_FOUND);
  const allow = found.error.allow.join(', ');
  return err({
    code: 'method_not_allowed',
    message: `This path does not take ${method}. Use ${allow}.`,
    headers: { allow },
  });
}

function refuse(
  { response, requestId }: Exchange,
  error: ApiError,
  options: { readonly close?: boolean } = {},
): void {
  refuseRequest(response, error, { requestId, ...options });
}

const NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'There is no such route. Check the path; all of them begin with /v1.',
};
const TOO_LARGE: ApiError = {
  code: 'request_too_large',
  message: `The body is larger than ${MAX_PAYLOAD_BYTES} bytes: send less. A large file goes past the API: POST /v1/files/uploads.`,
};
const TOO_MANY: ApiError = {
  code: 'rate_limit_exceeded',
  message: 'Too many requests are in flight. Try again in a second.',
  headers: { 'retry-after': '1' },
};
const TIMED_OUT: ApiError = {
  code: 'temporarily_unavailable',
  message: 'The service did not answer in time: try again.',
  headers: { 'retry-after': '1' },
};
const BROKEN: ApiError = {
  code: 'temporarily_unavailable',
  message: 'The service did not answer: try again.',
  headers: { 'retry-after': '1' },
};
