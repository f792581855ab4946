import type { IncomingMessage, ServerResponse } from 'node:http';
import { matchRoute } from '#api/matchRoute.ts';
import { ROUTES, type Route } from '#api/routes.ts';
import type { Target } from './proxyEvent.ts';

const METHODS = [...new Set(Object.values<Route>(ROUTES).map((route) => route.method))];

/**
 * Answers OPTIONS: which methods a path takes. No origin is allowed, as none is on AWS: API keys belong into
 * servers, not into web pages.
 */
export function answerPreflight(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  requestId: string,
): void {
  request.resume();
  const { path } = target;
  const allowed = path === undefined ? [] : METHODS.filter((method) => matchRoute(method, path).ok);
  response.setHeader('allow', [...allowed, 'OPTIONS'].join(', '));
  response.setHeader('content-length', 0);
  response.setHeader('x-request-id', requestId);
  response.writeHead(allowed.length === 0 ? 404 : 204).end();
}
