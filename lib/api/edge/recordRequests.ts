import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { matchRoute } from '#api/matchRoute.ts';
import { requestIdOf } from './readRequest.ts';

type Write = (message: string, fields: { readonly [name: string]: string | number | Error }) => void;

/** Where requests are logged and counted; Powertools' Logger and Metrics are one. */
export type EdgeLog = {
  readonly logger: { readonly info: Write; readonly error: Write };
  readonly metrics: {
    readonly addDimension: (name: string, value: string) => unknown;
    readonly addMetric: (name: string, unit: 'Count' | 'Milliseconds', value: number) => unknown;
    readonly publishStoredMetrics: () => void;
  };
};

/**
 * Logs one line for each request and counts it by route. The line names route and status, and neither headers,
 * bodies nor paths: those may hold secrets.
 */
export function recordRequests({
  logger,
  metrics,
}: EdgeLog): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> {
  const startedAt = new WeakMap<object, number>();
  const record = (event: APIGatewayProxyEvent, status: number): void => {
    const route = routeName(event);
    const durationMs = Math.round(performance.now() - (startedAt.get(event) ?? performance.now()));
    logger.info('request', { requestId: requestIdOf(event), route, status, durationMs });
    // Added and published in one turn of the event loop, so that concurrent requests cannot mix their dimensions.
    metrics.addDimension('route', route);
    metrics.addMetric('requests', 'Count', 1);
    metrics.addMetric('clientErrors', 'Count', status >= 400 && status < 500 ? 1 : 0);
    metrics.addMetric('serverErrors', 'Count', status >= 500 ? 1 : 0);
    metrics.addMetric('latencyMs', 'Milliseconds', durationMs);
    metrics.publishStoredMetrics();
  };
  return {
    before: ({ event }) => {
      startedAt.set(event, performance.now());
    },
    after: ({ event, response }) => record(event, response?.statusCode ?? 500),
    onError: ({ event, response }) => record(event, response?.statusCode ?? 500),
  };
}

/** Never the path itself: names of routes are few, so that they can be a metric's dimension. */
function routeName(event: APIGatewayProxyEvent): string {
  const route = matchRoute(event.httpMethod, event.path);
  return route.ok ? route.value.routeId : route.error.code;
}
