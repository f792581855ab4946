import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { AuditRecord } from '#core/tenants/ports.ts';
import type { RouteHandler } from './dispatch.ts';
import { listBody, pageFields, pageOf, toSeconds } from './fields.ts';

const AuditQuery = z.strictObject({ ...pageFields, tenant: z.optional(idSchema<TenantId>('tenant')) });

/** `GET /admin/audit?tenant=&limit=&cursor=` → what the agency did and why, newest first. */
export const listAuditRecords: RouteHandler = async ({ directory }, request) => {
  const query = readQuery(request, AuditQuery);
  if (!query.ok) return refuse(query.error);
  const { tenant, ...page } = query.value;
  const { records, nextCursor } = await directory.listAudit({
    ...pageOf(page),
    ...(tenant !== undefined && { tenantId: tenant }),
  });
  return respond(200, listBody(records.map(recordBody), nextCursor));
};

const recordBody = (record: AuditRecord) => ({
  id: record.id,
  object: 'audit_record',
  created_at: toSeconds(record.atMs),
  actor: record.actor,
  action: record.action,
  tenant: record.tenantId,
  reason: record.reason,
  details: record.details,
});
