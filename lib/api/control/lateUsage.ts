import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { UsageEventId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import { LATE_STATUSES, type LateUse } from '#core/subscriptions/overagePorts.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, listBody, pageFields, pageOf, reasonField, toSeconds } from './fields.ts';

const LateQuery = z.strictObject(pageFields);

/** `GET /admin/late-usage?limit=&cursor=` → overage that the payment provider's meter does not have, newest first. */
export const listLateUsage: RouteHandler = async ({ late }, request) => {
  const query = readQuery(request, LateQuery);
  if (!query.ok) return refuse(query.error);
  const { uses, nextCursor } = await late.list(pageOf(query.value));
  return respond(200, listBody(uses.map(lateBody), nextCursor));
};

const Settled = z.strictObject({ status: z.enum(LATE_STATUSES), reason: reasonField });

/** `POST /admin/late-usage/{use} {status, reason}` → it was `billed` by other means, or `waived`. */
export const settleLateUsage: RouteHandler = async ({ late, directory, world }, request) => {
  const body = readBody(request, Settled);
  if (!body.ok) return refuse(body.error);
  const { status, reason } = body.value;
  const id = idParam<UsageEventId>(request, 'use', 'usageEvent');
  const settled = id === undefined ? undefined : await late.settle(id, { status, note: reason });
  if (settled === undefined) return refuse(NOT_LATE);
  const details = { use: settled.id, status, credits: formatCredits(settled.amountMicro) };
  await directory.appendAudit(
    auditRecord(world, actOf(request, reason), {
      action: 'late_usage.settle',
      tenantId: settled.tenantId,
      details,
    }),
  );
  return respond(200, lateBody(settled));
};

const NOT_LATE: ApiError = {
  code: 'not_found',
  message: 'There is no such late usage. GET /v1/admin/late-usage lists it.',
};

const lateBody = (use: LateUse) => ({
  id: use.id,
  object: 'late_usage',
  tenant: use.tenantId,
  credits: formatCredits(use.amountMicro),
  used_at: toSeconds(use.atMs),
  found_at: toSeconds(use.foundAtMs),
  cause: use.reason,
  status: use.status,
  reason: use.note,
});
