import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { MatchRoute } from '#api/routeMatcher.ts';
import { requestIdOf, routeNameOf } from './readRequest.ts';

type Handled = Pick<Request<APIGatewayProxyEvent, APIGatewayProxyResult>, 'event' | 'response'>;
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
  matchRoute,
}: EdgeLog & { readonly matchRoute: MatchRoute }): MiddlewareObj<
  APIGatewayProxyEvent,
  APIGatewayProxyResult
> {
  const startedAt = new WeakMap<object, number>();
  const record = (request: Handled): void => {
    const { event, response } = request;
    const status = response?.statusCode ?? 500;
    const route = routeNameOf(event, matchRoute);
    const durationMs = Math.round(performance.now() - (startedAt.get(request) ?? performance.now()));
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
    before: (request) => {
      startedAt.set(request, performance.now());
    },
    after: record,
    onError: record,
  };
}
