import type { APIGatewayProxyResult } from 'aws-lambda';
import type { ApiResponse } from '#api/http.ts';

/** Sent with every answer: the API is for programs, so a browser may neither sniff, frame, run nor keep it. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

/** Writes an answer as a REST-proxy integration returns it. */
export function toProxyResult(response: ApiResponse, requestId: string): APIGatewayProxyResult {
  const type =
    response.html !== undefined ? 'text/html' : response.body !== undefined ? 'application/json' : undefined;
  return {
    statusCode: response.status,
    headers: {
      ...(type === undefined ? {} : { 'content-type': `${type}; charset=utf-8` }),
      ...SECURITY_HEADERS,
      ...response.headers,
      'x-request-id': requestId,
    },
    body: response.html ?? (response.body === undefined ? '' : JSON.stringify(response.body)),
  };
}
