import type { ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { type ApiError, ERRORS, errorBody } from '#api/errors.ts';

/** What a REST-proxy function may answer. Source: "Output format of a Lambda function for proxy integration". */
const ProxyAnswer = z.object({
  statusCode: z.int().check(z.gte(200), z.lte(599)),
  headers: z.nullish(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  multiValueHeaders: z.nullish(z.record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean()])))),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 304]);

/** Writes a function's answer as the gateway does. Throws when the answer is not one. */
export function respondWith(response: ServerResponse, answer: unknown): void {
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = ProxyAnswer.parse(answer);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, String(value));
  for (const [name, values] of Object.entries(multiValueHeaders ?? {}))
    response.setHeader(name, values.map(String));
  const bytes = Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8');
  if (!BODILESS.has(statusCode)) response.setHeader('content-length', bytes.length);
  response.writeHead(statusCode);
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** The gateway's own refusals: what it answers before or instead of a function. */
export function refuseRequest(
  response: ServerResponse,
  error: ApiError,
  options: { readonly requestId: string; readonly close?: boolean },
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(errorBody(error)));
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
  response.writeHead(ERRORS[error.code].status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': options.requestId,
    ...(options.close === true ? { connection: 'close' } : {}),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
