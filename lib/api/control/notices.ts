import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { parseNoticeUrl } from '#core/notices/parseNoticeUrl.ts';
import { renderNotice } from '#core/notices/templates.ts';
import { NOTICE_STATES, type NoticeRecord } from '#core/notices/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { changeTenant } from '#core/tenants/changeTenant.ts';
import type { TenantChange } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import type { ControlDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import {
  actOf,
  emailField,
  idParam,
  listBody,
  pageFields,
  pageOf,
  reasonField,
  toSeconds,
} from './fields.ts';
import { TENANT_NOT_FOUND, tenantRefusal } from './tenantRefusals.ts';

const NoticesQuery = z.strictObject({ ...pageFields, state: z.optional(z.enum(NOTICE_STATES)) });

/** `GET /admin/notices?state=&limit=&cursor=` → notices in a state (those that failed, if none is named), newest first. */
export const listNotices: RouteHandler = async ({ notices }, request) => {
  const query = readQuery(request, NoticesQuery);
  if (!query.ok) return refuse(query.error);
  const { state = 'failed', ...page } = query.value;
  const listed = await notices.outbox.list({ ...pageOf(page), state });
  return respond(200, listBody(listed.notices.map(noticeBody), listed.nextCursor));
};

/** `GET /admin/tenants/{tenant}/notices` → where the tenant's notices go, and the key that signs them for its webhook. */
export const readNoticeContact: RouteHandler = async (deps, request) => {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await deps.directory.readTenant(tenantId);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  return respond(200, await contactBody(deps, tenant));
};

const Contact = z.strictObject({
  email: z.optional(z.nullable(emailField)),
  webhook_url: z.optional(z.nullable(z.string())),
  reason: z.optional(reasonField),
});

/** `PUT /admin/tenants/{tenant}/notices {email?, webhook_url?, reason?}`: null takes an address away. */
export const changeNoticeContact: RouteHandler = async (deps, request) => {
  const body = readBody(request, Contact);
  if (!body.ok) return refuse(body.error);
  const { email, webhook_url, reason } = body.value;
  if (typeof webhook_url === 'string') {
    const url = parseNoticeUrl(webhook_url, deps.engines);
    if (!url.ok) return refuse(badUrl(url.error.message));
  }
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const change: TenantChange = {
    ...(email !== undefined && { noticeEmail: email }),
    ...(webhook_url !== undefined && { noticeWebhookUrl: webhook_url }),
  };
  if (Object.keys(change).length === 0) return refuse(NOTHING_TO_CHANGE);
  const changed = await changeTenant(deps, { tenantId, change, act: actOf(request, reason) });
  return changed.ok
    ? respond(200, await contactBody(deps, changed.value))
    : refuse(tenantRefusal(changed.error));
};

const badUrl = (message: string): ApiError => ({
  code: 'invalid_request',
  message: `'webhook_url' ${message}.`,
  param: 'webhook_url',
});

const NOTHING_TO_CHANGE: ApiError = {
  code: 'invalid_request',
  message: 'Nothing to change. Give email or webhook_url, or both.',
};

const contactBody = async ({ notices }: Pick<ControlDeps, 'notices'>, tenant: Tenant) => ({
  object: 'notice_contact',
  email: tenant.noticeEmail ?? null,
  webhook_url: tenant.noticeWebhookUrl ?? null,
  webhook_key: await notices.webhookKey(tenant.id),
});

const noticeBody = (notice: NoticeRecord) => ({
  id: notice.id,
  object: 'notice',
  kind: notice.content.kind,
  to: notice.to,
  tenant: notice.tenantId,
  state: notice.state,
  ...renderNotice(notice.content.kind, notice.content, notice.tenantId ?? 'the agency'),
  sent_by: notice.sentBy,
  attempts: notice.attempts,
  last_error: notice.lastError,
  created_at: toSeconds(notice.createdAtMs),
});
