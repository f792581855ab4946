import { refuse, respond } from '#api/http.ts';
import { sealBook } from '#core/statements/sealBooks.ts';
import type { RouteHandler } from './dispatch.ts';
import { findTenant } from './statements.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

/** `POST /admin/tenants/{tenant}/seals` → closes the tenant's book up to now, so that all of it can be verified. */
export const sealTenantBook: RouteHandler = async (deps, request) => {
  const tenantId = await findTenant(deps, request);
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const { book, sha256 } = deps.statements;
  const sealDeps = { book, sha256, signer: deps.signer, clock: deps.world.clock };
  const seals = await sealBook(sealDeps, tenantId, 'now');
  const last = (await book.lastSeal(tenantId))?.seal;
  return respond(200, {
    object: 'seal_run',
    tenant: tenantId,
    seals,
    sealed_until: last?.to ?? null,
    receipts: last === undefined ? 0 : last.firstSequence + last.receipts - 1,
  });
};
