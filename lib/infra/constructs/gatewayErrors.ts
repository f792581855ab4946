import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { type ApiError, ERRORS, errorBody } from '#api/errors.ts';

type GatewayError = ApiError & { readonly type: ResponseType };

/** What API Gateway itself may answer, before or instead of a function, in the one form that clients know. */
const GATEWAY_ERRORS: Readonly<Record<string, GatewayError>> = {
  Unauthorized: {
    type: ResponseType.UNAUTHORIZED,
    code: 'invalid_api_key',
    message: 'The API key is missing or not valid: send it as "Authorization: Bearer <key>".',
  },
  AccessDenied: {
    type: ResponseType.ACCESS_DENIED,
    code: 'insufficient_scope',
    message: 'The API key may not do this: use a key with the scope that it needs.',
  },
  Blocked: {
    type: ResponseType.WAF_FILTERED,
    code: 'rate_limit_exceeded',
    message: 'Too many or malformed requests came from this address: slow down and try again later.',
    headers: { 'retry-after': '60' },
  },
  // API Gateway says "missing token" where it knows neither path nor method.
  NoRoute: {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    code: 'not_found',
    message: 'There is no such route: check the method and the path.',
  },
  NotFound: {
    type: ResponseType.RESOURCE_NOT_FOUND,
    code: 'not_found',
    message: 'There is no such route: check the method and the path.',
  },
  TooLarge: {
    type: ResponseType.REQUEST_TOO_LARGE,
    code: 'request_too_large',
    message: 'The request is too large: send less. A large file goes past the API: POST /v1/files/uploads.',
  },
  MediaType: {
    type: ResponseType.UNSUPPORTED_MEDIA_TYPE,
    code: 'unsupported_media_type',
    message: 'The content type is not supported: send application/json.',
  },
  BadBody: {
    type: ResponseType.BAD_REQUEST_BODY,
    code: 'invalid_request',
    message: 'The request body is not valid: check it against the API reference.',
  },
  BadParameters: {
    type: ResponseType.BAD_REQUEST_PARAMETERS,
    code: 'invalid_request',
    message: 'The request parameters are not valid: check them against the API reference.',
  },
  Throttled: {
    type: ResponseType.THROTTLED,
    code: 'rate_limit_exceeded',
    message: 'Too many requests: wait a moment and try again.',
    headers: { 'retry-after': '1' },
  },
  QuotaExceeded: {
    type: ResponseType.QUOTA_EXCEEDED,
    code: 'rate_limit_exceeded',
    message: 'Too many requests: wait a moment and try again.',
    headers: { 'retry-after': '60' },
  },
  AuthorizerFailure: {
    type: ResponseType.AUTHORIZER_FAILURE,
    code: 'temporarily_unavailable',
    message: 'The key could not be checked: try again.',
    headers: { 'retry-after': '1' },
  },
};

/** Gives every answer of API Gateway's own the status, body and headers of the table in `#api/errors.ts`. */
export function addGatewayErrors(api: RestApi): void {
  for (const [id, error] of Object.entries(GATEWAY_ERRORS)) {
    const headers = Object.entries(error.headers ?? {}).map(([name, value]) => [name, `'${value}'`]);
    api.addGatewayResponse(id, {
      type: error.type,
      statusCode: String(ERRORS[error.code].status),
      responseHeaders: { 'x-request-id': 'context.requestId', ...Object.fromEntries(headers) },
      templates: { 'application/json': JSON.stringify(errorBody(error)) },
    });
  }
  addDefaults(api);
}

/** What no line above names keeps the status that API Gateway gives it. */
function addDefaults(api: RestApi): void {
  const defaults = {
    Default4xx: [
      ResponseType.DEFAULT_4XX,
      'invalid_request',
      'The request was refused: check it and try again.',
    ],
    Default5xx: [
      ResponseType.DEFAULT_5XX,
      'temporarily_unavailable',
      'The service did not answer: try again.',
    ],
  } as const;
  for (const [id, [type, code, message]] of Object.entries(defaults)) {
    api.addGatewayResponse(id, {
      type,
      responseHeaders: { 'x-request-id': 'context.requestId' },
      templates: { 'application/json': JSON.stringify(errorBody({ code, message })) },
    });
  }
}
