import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { principalContext } from '#api/edge/readPrincipal.ts';
import type { Principal } from '#api/http.ts';

export type CallOptions = {
  readonly as?: Principal;
  readonly body?: unknown;
  readonly rawBody?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
};

/** A REST-proxy event as API Gateway sends it, of the fields that we read. */
export function proxyEvent(method: string, path: string, options: CallOptions = {}): APIGatewayProxyEvent {
  const raw = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const named = Object.keys(options.headers ?? {}).some((name) => name.toLowerCase() === 'content-type');
  const type = raw === undefined || named ? {} : { 'Content-Type': 'application/json' };
  const headers = { ...type, ...options.headers };
  const event = {
    httpMethod: method,
    path,
    resource: path,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: options.query ?? null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    body: raw === undefined ? null : Buffer.from(raw).toString('base64'),
    isBase64Encoded: raw !== undefined,
    requestContext: {
      requestId: 'req-test',
      identity: { sourceIp: CLIENT_ADDRESS },
      authorizer: options.as === undefined ? undefined : principalContext(options.as),
    },
  };
  // The rest of the request context is API Gateway's own book-keeping, which nothing of ours reads.
  return event as unknown as APIGatewayProxyEvent;
}

/** Where every request comes from. */
export const CLIENT_ADDRESS = '203.0.113.7';

export const lambdaContext = { awsRequestId: 'aws-req-test' } as Context;

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes, and fail where these differ
  readonly body: any;
};

export const readAnswer = (result: APIGatewayProxyResult): Answer => ({
  status: result.statusCode,
  headers: result.headers ?? {},
  body: isJson(result) ? JSON.parse(result.body) : result.body || undefined,
});

const isJson = ({ headers }: APIGatewayProxyResult): boolean =>
  String(headers?.['content-type']).startsWith('application/json');

/** Takes logs and metrics and keeps what was logged, so that a test can see what an operator would. */
export function quietLog() {
  const lines: { level: string; message: unknown; fields: unknown }[] = [];
  const keep = (level: string) => (message: unknown, fields?: unknown) => {
    lines.push({ level, message, fields });
  };
  return {
    lines,
    logger: { info: keep('info'), error: keep('error') },
    metrics: {
      addDimension: () => undefined,
      addMetric: () => undefined,
      publishStoredMetrics: () => undefined,
    },
  };
}
