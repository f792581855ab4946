import type { ApiError } from '#api/errors.ts';
import type { ChangeRefused } from '#core/tenants/changeTenant.ts';

export const TENANT_NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'There is no such tenant. GET /v1/admin/tenants lists them.',
};

/** What a refusal about a tenant is to the client. */
export function tenantRefusal(refused: ChangeRefused): ApiError {
  switch (refused.code) {
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'tenant_closed':
      return { code: 'conflict', message: 'This tenant is closed, which is final. Create a new tenant.' };
    default:
      return refused satisfies never;
  }
}
