import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';

/** The API's stage, which stands in front of every path. */
export const STAGE = 'v1';

/** Headers that end at the gateway. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

export type ProxyRequest = {
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly target: Target;
  readonly resource: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly nowMs: number;
};

export type Target = {
  /** The path without the stage; undefined when it does not stand under the stage. */
  readonly path: string | undefined;
  readonly rawPath: string;
  readonly query: URLSearchParams;
};

/** Takes a request's address apart, whatever was sent there. It may be absolute, or `*`. */
export function readTarget(url: string): Target {
  const relative = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const hash = relative.indexOf('#');
  const clean = hash === -1 ? relative : relative.slice(0, hash);
  const at = clean.indexOf('?');
  const rawPath = at === -1 ? clean : clean.slice(0, at);
  const query = new URLSearchParams(at === -1 ? '' : clean.slice(at + 1));
  const prefix = `/${STAGE}/`;
  return { rawPath, query, path: rawPath.startsWith(prefix) ? rawPath.slice(prefix.length - 1) : undefined };
}

/**
 * The event that API Gateway's REST proxy integration (payload format 1.0) makes of a request. A body that is text
 * stays text; any other comes as base64, so that no byte is lost.
 */
export function toProxyEvent(input: ProxyRequest): APIGatewayProxyEvent {
  const { request, requestId, target, resource, body, nowMs } = input;
  const multiValueHeaders = readHeaders(request);
  const multiValueQuery = groupQuery(target.query);
  const text = isUtf8(body);
  const method = request.method ?? 'GET';
  return {
    resource,
    path: target.path ?? target.rawPath,
    httpMethod: method,
    headers: lastOf(multiValueHeaders),
    multiValueHeaders,
    queryStringParameters: multiValueQuery === null ? null : lastOf(multiValueQuery),
    multiValueQueryStringParameters: multiValueQuery,
    pathParameters: Object.keys(input.pathParameters).length === 0 ? null : { ...input.pathParameters },
    stageVariables: null,
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      authorizer: null,
      domainName: request.headers.host ?? '127.0.0.1',
      extendedRequestId: requestId,
      httpMethod: method,
      identity: identityOf(request),
      path: target.rawPath,
      protocol: `HTTP/${request.httpVersion}`,
      requestId,
      requestTime: new Date(nowMs).toUTCString(),
      requestTimeEpoch: nowMs,
      resourceId: 'local',
      resourcePath: resource,
      stage: STAGE,
    },
    body: body.length === 0 ? null : body.toString(text ? 'utf8' : 'base64'),
    isBase64Encoded: !text,
  };
}

function readHeaders(request: IncomingMessage): Record<string, string[]> {
  const byName = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? '';
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key)) continue;
    const known = byName.get(key) ?? { name, values: [] };
    known.values.push(request.rawHeaders[at + 1] ?? '');
    byName.set(key, known);
  }
  const forwarded = byName.get('x-forwarded-for')?.values ?? [];
  byName.set('x-forwarded-for', {
    name: 'X-Forwarded-For',
    values: [[...forwarded, request.socket.remoteAddress ?? ''].join(', ')],
  });
  byName.set('x-forwarded-proto', { name: 'X-Forwarded-Proto', values: ['http'] });
  if (!byName.has('x-amzn-trace-id')) {
    const root = `Root=1-${Math.floor(Date.now() / 1_000).toString(16)}-${randomBytes(12).toString('hex')}`;
    byName.set('x-amzn-trace-id', { name: 'X-Amzn-Trace-Id', values: [root] });
  }
  return Object.fromEntries([...byName.values()].map(({ name, values }) => [name, values]));
}

function groupQuery(query: URLSearchParams): Record<string, string[]> | null {
  const names = [...new Set(query.keys())];
  return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, query.getAll(name)]));
}

const lastOf = (many: Readonly<Record<string, readonly string[]>>): Record<string, string> =>
  Object.fromEntries(Object.entries(many).map(([name, values]) => [name, values.at(-1) ?? '']));

const identityOf = (request: IncomingMessage): APIGatewayProxyEvent['requestContext']['identity'] => ({
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
  user: null,
  userAgent: request.headers['user-agent'] ?? null,
  userArn: null,
});
