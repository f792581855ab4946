/** The `type` of an OpenAI error object. */
type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'insufficient_quota'
  | 'rate_limit_error'
  | 'server_error';

/** Every code that the API answers with, and how it travels: one table, so that clients can rely on it. */
export const ERRORS = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_json: { status: 400, type: 'invalid_request_error' },
  unsupported_parameter: { status: 400, type: 'invalid_request_error' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error' },
  engine_rejected: { status: 400, type: 'invalid_request_error' },
  idempotency_key_reused: { status: 400, type: 'invalid_request_error' },
  invalid_signature: { status: 401, type: 'authentication_error' },
  invalid_api_key: { status: 401, type: 'authentication_error' },
  insufficient_credits: { status: 402, type: 'insufficient_quota' },
  account_suspended: { status: 402, type: 'insufficient_quota' },
  insufficient_scope: { status: 403, type: 'permission_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  model_not_deployed: { status: 404, type: 'invalid_request_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  already_exists: { status: 409, type: 'invalid_request_error' },
  prices_not_in_force: { status: 409, type: 'invalid_request_error' },
  unpriced_model: { status: 409, type: 'invalid_request_error' },
  conflict: { status: 409, type: 'invalid_request_error' },
  idempotency_conflict: { status: 409, type: 'invalid_request_error' },
  request_in_progress: { status: 409, type: 'invalid_request_error' },
  request_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error' },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error' },
  spend_cap_reached: { status: 429, type: 'insufficient_quota' },
  internal_error: { status: 500, type: 'server_error' },
  payment_provider_unavailable: { status: 503, type: 'server_error' },
  model_loading: { status: 503, type: 'server_error' },
  engine_failed: { status: 503, type: 'server_error' },
  temporarily_unavailable: { status: 503, type: 'server_error' },
} as const satisfies Record<string, { readonly status: number; readonly type: ErrorType }>;

export type ErrorCode = keyof typeof ERRORS;

/** A refusal on its way to the client. `message` says what happened and what to do next, and nothing internal. */
export type ApiError = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further fields of the error object, e.g. `top_up_url`. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

export type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: ErrorType;
    readonly param: string | null;
    readonly code: ErrorCode;
  };
};

/** The body of an error answer, as OpenAI's SDKs read it. */
export function errorBody(error: ApiError): ErrorBody {
  return {
    error: {
      message: error.message,
      type: ERRORS[error.code].type,
      param: error.param ?? null,
      code: error.code,
      ...error.extra,
    },
  };
}
