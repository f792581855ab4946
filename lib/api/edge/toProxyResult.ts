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
  const { type, body } = payloadOf(response);
  return {
    statusCode: response.status,
    headers: {
      ...(type === undefined ? {} : { 'content-type': `${type}; charset=utf-8` }),
      ...SECURITY_HEADERS,
      ...response.headers,
      'x-request-id': requestId,
    },
    body,
  };
}

function payloadOf({ html, text, body }: ApiResponse): {
  readonly type: string | undefined;
  readonly body: string;
} {
  if (html !== undefined) return { type: 'text/html', body: html };
  if (text !== undefined) return { type: text.type, body: text.content };
  if (body !== undefined) return { type: 'application/json', body: JSON.stringify(body) };
  return { type: undefined, body: '' };
}
