import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { Scope } from '#core/tenants/types.ts';
import type { ApiError } from './errors.ts';
import { ERRORS, errorBody } from './errors.ts';
import type { RouteId } from './routes.ts';

/** Who is calling, as the authorizer (or the chat function itself) established it. */
export type Principal =
  | {
      readonly kind: 'client';
      readonly tenantId: TenantId;
      readonly keyId: KeyId;
      readonly scopes: readonly Scope[];
    }
  | { readonly kind: 'agency'; readonly actor: string }
  | { readonly kind: 'anonymous' };

/** An HTTP request as route code sees it, whatever carried it here. */
export type ApiRequest = {
  readonly routeId: RouteId;
  readonly requestId: string;
  readonly principal: Principal;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Query parameters; a repeated one keeps its last value. */
  readonly query: Readonly<Record<string, string>>;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The raw bytes: webhooks are verified over them. */
  readonly body: Buffer;
  /** The client's IP address, as API Gateway saw it. */
  readonly address?: string | undefined;
};

export type ApiResponse = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
  /** Text of another type than JSON or a page, as it is. */
  readonly text?: { readonly type: string; readonly content: string };
  /** A page for people, sent in the body's place. */
  readonly html?: string;
};

export const respond = (
  status: number,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): ApiResponse => ({
  status,
  body,
  ...(headers === undefined ? {} : { headers }),
});

export const respondPage = (html: string, headers: Readonly<Record<string, string>>): ApiResponse => ({
  status: 200,
  html,
  headers,
});

export const refuse = (error: ApiError): ApiResponse => ({
  status: ERRORS[error.code].status,
  body: errorBody(error),
  ...(error.headers === undefined ? {} : { headers: error.headers }),
});
