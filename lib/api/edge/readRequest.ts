import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import type { MatchRoute, NoRoute } from '#api/routeMatcher.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { readPrincipal } from './readPrincipal.ts';

const texts = z.nullish(z.record(z.string(), z.optional(z.string())));
const manyTexts = z.nullish(z.record(z.string(), z.optional(z.array(z.string()))));

/** What we read of a REST-proxy event. Source: API Gateway, payload format 1.0. */
const ProxyEvent = z.object({
  httpMethod: z.string(),
  path: z.string(),
  headers: texts,
  multiValueHeaders: manyTexts,
  queryStringParameters: texts,
  body: z.nullish(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
  requestContext: z.optional(
    z.object({
      requestId: z.optional(z.string()),
      identity: z.nullish(z.object({ sourceIp: z.nullish(z.string()) })),
      authorizer: z.nullish(z.record(z.string(), z.unknown())),
    }),
  ),
});
type ProxyEvent = z.infer<typeof ProxyEvent>;

/** Headers of which a second one could be read differently by someone else on the way. */
const SINGULAR_HEADERS = [
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'idempotency-key',
  'host',
];

/** Reads a REST-proxy event as a request of one of the routes. Refused with what the client is to be told. */
export function readRequest(
  event: unknown,
  { matchRoute, maxBodyBytes }: { readonly matchRoute: MatchRoute; readonly maxBodyBytes: number },
): Result<ApiRequest, ApiError> {
  const parsed = ProxyEvent.safeParse(event);
  if (!parsed.success) return err({ code: 'invalid_request', message: 'The request could not be read.' });
  const proxy = parsed.data;

  const route = matchRoute(proxy.httpMethod, proxy.path);
  if (!route.ok) return err(noRoute(route.error, proxy));
  const headers = readHeaders(proxy);
  if (!headers.ok) return headers;
  const body = readBytes(proxy, maxBodyBytes);
  if (!body.ok) return body;
  const query = definedOf(proxy.queryStringParameters);
  if (![...Object.values(query), ...Object.values(route.value.params)].every((text) => text.isWellFormed())) {
    return err({ code: 'invalid_request', message: 'The address holds text that is not valid UTF-8.' });
  }
  return ok({
    ...route.value,
    requestId: requestIdOf(event),
    principal: readPrincipal(proxy.requestContext?.authorizer ?? undefined),
    query,
    headers: headers.value,
    body: body.value,
    address: proxy.requestContext?.identity?.sourceIp ?? undefined,
  });
}

const REQUEST_ID = /^[\w.:=-]{1,128}$/;

/** API Gateway's id of the request, which every log line and the answer's `x-request-id` carry. */
export function requestIdOf(event: unknown): string {
  const parsed = ProxyEvent.safeParse(event);
  const id = parsed.success ? parsed.data.requestContext?.requestId : undefined;
  return id !== undefined && REQUEST_ID.test(id) ? id : 'unknown';
}

/** The route of a request, or why it has none, for logs and metrics: never the path itself, so that names are few. */
export function routeNameOf(event: unknown, matchRoute: MatchRoute): string {
  const parsed = ProxyEvent.safeParse(event);
  if (!parsed.success) return 'unreadable';
  const route = matchRoute(parsed.data.httpMethod, parsed.data.path);
  return route.ok ? route.value.routeId : route.error.code;
}

function noRoute(error: NoRoute, { httpMethod, path }: ProxyEvent): ApiError {
  if (error.code === 'not_found') {
    return {
      code: 'not_found',
      message: `There is no route ${httpMethod} ${path}. Check the path; all of them begin with /v1.`,
    };
  }
  const allow = error.allow.join(', ');
  return {
    code: 'method_not_allowed',
    message: `${path} does not take ${httpMethod}. Use ${allow}.`,
    headers: { allow },
  };
}

function readHeaders(proxy: ProxyEvent): Result<Readonly<Record<string, string>>, ApiError> {
  const all = new Map<string, string[]>();
  const multi = proxy.multiValueHeaders ?? {};
  const source = Object.keys(multi).length > 0 ? multi : (proxy.headers ?? {});
  for (const [name, value] of Object.entries(source)) {
    const known = all.get(name.toLowerCase()) ?? [];
    all.set(name.toLowerCase(), known.concat(value ?? []));
  }
  const repeated = SINGULAR_HEADERS.find((name) => (all.get(name)?.length ?? 0) > 1);
  if (repeated !== undefined) {
    return err({
      code: 'invalid_request',
      message: `The header ${repeated} was sent more than once. Send it once.`,
    });
  }
  return ok(Object.fromEntries([...all].map(([name, values]) => [name, values.join(', ')])));
}

function readBytes(proxy: ProxyEvent, maxBodyBytes: number): Result<Buffer, ApiError> {
  const body = Buffer.from(proxy.body ?? '', proxy.isBase64Encoded === true ? 'base64' : 'utf8');
  if (body.length > maxBodyBytes) {
    return err({
      code: 'request_too_large',
      message: `The body has ${body.length} bytes; this route takes at most ${maxBodyBytes}.`,
    });
  }
  return ok(body);
}

const definedOf = (record: ProxyEvent['queryStringParameters']): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(record ?? {}).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
