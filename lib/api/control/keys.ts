import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { type IssuedKey, issueKey } from '#core/tenants/issueKey.ts';
import { revokeKey as revoke } from '#core/tenants/revokeKey.ts';
import { type RotateRefused, rotateKey as rotate } from '#core/tenants/rotateKey.ts';
import { type ApiKey, SCOPES } from '#core/tenants/types.ts';
import { keyState } from '#core/tenants/verifyApiKey.ts';
import type { RouteHandler } from './dispatch.ts';
import {
  actOf,
  dateField,
  idParam,
  listBody,
  nameField,
  pageFields,
  pageOf,
  reasonField,
  toSeconds,
} from './fields.ts';
import { KEY_NOT_FOUND, TOO_MANY_LIMITED_KEYS } from './limits.ts';
import { TENANT_NOT_FOUND, tenantRefusal } from './tenantRefusals.ts';

const DEFAULT_GRACE_SECONDS = 86_400;
const MAX_GRACE_SECONDS = 90 * 86_400;

const NewKey = z.strictObject({
  name: nameField,
  scopes: z.optional(z.array(z.enum(SCOPES)).check(z.minLength(1), z.maxLength(SCOPES.length))),
  expires_at: z.optional(dateField),
  reason: z.optional(reasonField),
});

/** `POST /admin/tenants/{tenant}/keys {name, scopes?, expires_at?, reason?}` → 201 with `api_key`, shown this once. */
export const createKey: RouteHandler = async (deps, request) => {
  const body = readBody(request, NewKey);
  if (!body.ok) return refuse(body.error);
  const { name, scopes = SCOPES, expires_at: expiresAt, reason } = body.value;
  if (expiresAt !== undefined && expiresAt * 1000 <= deps.world.clock()) return refuse(EXPIRES_IN_THE_PAST);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const expiry = expiresAt === undefined ? {} : { expiresAtMs: expiresAt * 1000 };
  const wanted = { name, scopes: [...new Set(scopes)], ...expiry };
  const issued = await issueKey(deps, { tenantId, wanted, act: actOf(request, reason) });
  if (!issued.ok) return refuse(tenantRefusal(issued.error));
  return respond(201, issuedBody(issued.value, deps.world.clock()));
};

const KeysQuery = z.strictObject(pageFields);

/** `GET /admin/tenants/{tenant}/keys?limit=&cursor=`, oldest first, without their texts. */
export const listKeys: RouteHandler = async ({ directory, world }, request) => {
  const query = readQuery(request, KeysQuery);
  if (!query.ok) return refuse(query.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await directory.readTenant(tenantId);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  const { keys, nextCursor } = await directory.listKeys(tenant.id, pageOf(query.value));
  return respond(
    200,
    listBody(
      keys.map((key) => keyBody(key, world.clock())),
      nextCursor,
    ),
  );
};

const Rotation = z.strictObject({
  grace_seconds: z.optional(z.int().check(z.gte(0), z.lte(MAX_GRACE_SECONDS))),
  reason: z.optional(reasonField),
});

/** `POST …/keys/{key}/rotate {grace_seconds?, reason?}` → 201 with the new key's `api_key` and what it `replaces`. */
export const rotateKey: RouteHandler = async (deps, request) => {
  const body = readBody(request.body.length === 0 ? { ...request, body: EMPTY_OBJECT } : request, Rotation);
  if (!body.ok) return refuse(body.error);
  const { grace_seconds: graceSeconds = DEFAULT_GRACE_SECONDS, reason } = body.value;
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const keyId = idParam<KeyId>(request, 'key', 'key');
  if (tenantId === undefined || keyId === undefined) return refuse(KEY_NOT_FOUND);
  const act = actOf(request, reason);
  const rotated = await rotate(deps, { tenantId, keyId, graceMs: graceSeconds * 1000, act });
  if (!rotated.ok) return refuse(rotateRefusal(rotated.error));
  const nowMs = deps.world.clock();
  return respond(201, {
    ...issuedBody(rotated.value, nowMs),
    replaces: keyBody(rotated.value.replaced, nowMs),
  });
};

const RevokeQuery = z.strictObject({ reason: z.optional(reasonField) });

/** `DELETE …/keys/{key}?reason=` → 200 with the key, revoked; again: the same. */
export const revokeKey: RouteHandler = async (deps, request) => {
  const query = readQuery(request, RevokeQuery);
  if (!query.ok) return refuse(query.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const keyId = idParam<KeyId>(request, 'key', 'key');
  if (tenantId === undefined || keyId === undefined) return refuse(KEY_NOT_FOUND);
  const revoked = await revoke(deps, { tenantId, keyId, act: actOf(request, query.value.reason) });
  return revoked.ok ? respond(200, keyBody(revoked.value, deps.world.clock())) : refuse(KEY_NOT_FOUND);
};

const EMPTY_OBJECT = Buffer.from('{}');

const EXPIRES_IN_THE_PAST: ApiError = {
  code: 'invalid_request',
  message: "'expires_at' is in the past. Give a later time, in Unix seconds.",
  param: 'expires_at',
};

const rotateRefusal = ({ code }: RotateRefused): ApiError => {
  if (code === 'key_not_found') return KEY_NOT_FOUND;
  if (code === 'too_many_limited_keys') return TOO_MANY_LIMITED_KEYS;
  return {
    code: 'conflict',
    message:
      'This key is revoked, expired or replaced already. Create a new key, or rotate the one that replaced it.',
  };
};

const keyBody = (key: ApiKey, nowMs: number) => ({
  id: key.id,
  object: 'api_key',
  name: key.name,
  scopes: key.scopes,
  state: keyState(key, nowMs),
  created_at: toSeconds(key.createdAtMs),
  expires_at: key.expiresAtMs === undefined ? null : toSeconds(key.expiresAtMs),
  revoked_at: key.revokedAtMs === undefined ? null : toSeconds(key.revokedAtMs),
  replaced_by: key.replacedBy ?? null,
});

const issuedBody = ({ key, text }: IssuedKey, nowMs: number) => ({ ...keyBody(key, nowMs), api_key: text });
