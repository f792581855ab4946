import type { ApiError } from '#api/errors.ts';
import type { ApiRequest, Principal } from '#api/http.ts';
import type { RouteAuth } from '#api/routes.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

/** Whether this principal may use a route. Errors: invalid_api_key (nobody), insufficient_scope (somebody else). */
export function authorize(auth: RouteAuth, principal: Principal): Result<Principal, ApiError> {
  if (auth.kind === 'none') return ok(principal);
  if (principal.kind === 'anonymous') return err(NO_KEY);
  switch (auth.kind) {
    case 'admin':
      return principal.kind === 'agency' ? ok(principal) : err(NEEDS_ADMIN);
    case 'key':
      if (principal.kind !== 'client') return err(NEEDS_CLIENT);
      return principal.scopes.includes(auth.scope) ? ok(principal) : err(needsScope(auth.scope));
    case 'signature':
      return err(NO_KEY); // signed routes have a function of their own
    default:
      return auth satisfies never;
  }
}

/** The tenant whose key this is. Throws when `authorize` let somebody else through: that is a bug. */
export function callingTenant(request: ApiRequest): TenantId {
  if (request.principal.kind !== 'client') throw new Error(`${request.routeId} was reached without a tenant`);
  return request.principal.tenantId;
}

/** Who of the agency acts, for the audit log. Throws when `authorize` let somebody else through: that is a bug. */
export function actingAgent(request: ApiRequest): string {
  if (request.principal.kind !== 'agency') throw new Error(`${request.routeId} was reached without an agent`);
  return request.principal.actor;
}

const NO_KEY: ApiError = {
  code: 'invalid_api_key',
  message: 'No valid key was sent. Send the header "authorization: Bearer <key>".',
};

const NEEDS_ADMIN: ApiError = {
  code: 'insufficient_scope',
  message: "This route is the agency's. Use the admin key; a tenant's API key does not open it.",
};

const NEEDS_CLIENT: ApiError = {
  code: 'insufficient_scope',
  message:
    "This route answers for one tenant. Use that tenant's API key; the admin key belongs to no tenant.",
};

const needsScope = (scope: string): ApiError => ({
  code: 'insufficient_scope',
  message: `This API key lacks the scope '${scope}'. Ask the agency for a key that has it.`,
});
