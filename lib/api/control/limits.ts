import * as z from 'zod/mini';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import { type LimitChange, MAX_LIMITED_KEYS, NO_LIMIT } from '#core/limits/changeLimits.ts';
import { type LimitsOf, readLimits, type SetLimitsRefused, setLimits } from '#core/limits/setLimits.ts';
import type { LimitKind } from '#core/limits/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { parseCredits } from '#core/shared/money.ts';
import type { ControlDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, reasonField } from './fields.ts';
import { limitsBody } from './limitsBody.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MAX_MINUTES = 7 * 24 * 60;

const many = z.nullish(z.int().check(z.gte(1), z.lte(NO_LIMIT - 1)));
const credits = z.nullish(
  z.string().check(
    z.refine((text) => (parseCredits(text) ?? -1) >= 0, {
      error: 'must be a decimal string of credits, zero or more, such as "25" or "2.5"',
    }),
  ),
);

const keyFields = {
  requests_per_minute: many,
  tokens_per_minute: many,
  concurrent_calls: many,
  credits_per_day: credits,
  credits_per_month: credits,
  reason: z.optional(reasonField),
};

const KeyLimits = z.strictObject(keyFields);

const TenantLimits = z.strictObject({
  ...keyFields,
  on_unusual_use: z.nullish(
    z.strictObject({
      requests_per_minute: z.int().check(z.gte(1), z.lte(NO_LIMIT - 1)),
      minutes: z.int().check(z.gte(1), z.lte(MAX_MINUTES)),
    }),
  ),
});

/** `GET /admin/tenants/{tenant}/limits`: the tenant's limits, what counts against them, and the keys that have some. */
export const readTenantLimits: RouteHandler = (deps, request) => answerLimits(deps, tenantIn(request));

/** `GET /admin/tenants/{tenant}/keys/{key}/limits`. */
export const readKeyLimits: RouteHandler = (deps, request) => answerLimits(deps, keyIn(request));

/** `PUT /admin/tenants/{tenant}/limits`: all of them; what is left out or null is not limited. */
export const setTenantLimits: RouteHandler = async (deps, request) => {
  const body = readBody(request, TenantLimits);
  if (!body.ok) return refuse(body.error);
  const { on_unusual_use: onUnusual } = body.value;
  return changeLimits(deps, request, tenantIn(request), {
    ...body.value,
    ...(onUnusual === undefined ? {} : { onUnusual: onUnusual && slowdown(onUnusual) }),
  });
};

/** `PUT /admin/tenants/{tenant}/keys/{key}/limits`: all of them; what is left out or null is not limited. */
export const setKeyLimits: RouteHandler = async (deps, request) => {
  const body = readBody(request, KeyLimits);
  if (!body.ok) return refuse(body.error);
  return changeLimits(deps, request, keyIn(request), body.value);
};

const slowdown = (given: { readonly requests_per_minute: number; readonly minutes: number }) => ({
  requests: given.requests_per_minute,
  minutes: given.minutes,
});

async function answerLimits(deps: ControlDeps, of: LimitsOf | ApiError): Promise<ApiResponse> {
  if ('code' in of) return refuse(of);
  const limits = await readLimits(deps, of);
  if (!limits.ok) return refuse(refusalOf(limits.error));
  return respond(200, limitsBody(of, limits.value, deps.world.clock()));
}

type Asked = z.infer<typeof KeyLimits> & Pick<LimitChange, 'onUnusual'>;

async function changeLimits(
  deps: ControlDeps,
  request: ApiRequest,
  of: LimitsOf | ApiError,
  asked: Asked,
): Promise<ApiResponse> {
  if ('code' in of) return refuse(of);
  const { onUnusual } = asked;
  const change = {
    rules: rulesOf(asked),
    ...(onUnusual === undefined ? {} : { onUnusual }),
  };
  const set = await setLimits(deps, of, change, actOf(request, asked.reason));
  if (!set.ok) return refuse(refusalOf(set.error));
  return respond(200, limitsBody(of, set.value, deps.world.clock()));
}

function rulesOf(asked: Asked): LimitChange['rules'] {
  const micro = (text: string | null | undefined) => (text == null ? undefined : parseCredits(text));
  const given: Readonly<Record<LimitKind, number | null | undefined>> = {
    requests: asked.requests_per_minute,
    tokens: asked.tokens_per_minute,
    calls: asked.concurrent_calls,
    day: micro(asked.credits_per_day),
    month: micro(asked.credits_per_month),
  };
  return Object.fromEntries(Object.entries(given).filter(([, max]) => max != null));
}

function tenantIn(request: ApiRequest): LimitsOf | ApiError {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  return tenantId === undefined ? TENANT_NOT_FOUND : { tenantId };
}

function keyIn(request: ApiRequest): LimitsOf | ApiError {
  const keyId = idParam<KeyId>(request, 'key', 'key');
  const of = tenantIn(request);
  return 'code' in of || keyId !== undefined ? { ...of, ...(keyId && { keyId }) } : KEY_NOT_FOUND;
}

export const KEY_NOT_FOUND: ApiError = { code: 'not_found', message: 'This tenant has no such API key.' };

export const TOO_MANY_LIMITED_KEYS: ApiError = {
  code: 'conflict',
  message: `At most ${MAX_LIMITED_KEYS} keys of a tenant may have limits of their own. Take them away from another key, or limit the tenant.`,
};

function refusalOf(refused: SetLimitsRefused): ApiError {
  switch (refused.code) {
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'key_not_found':
      return KEY_NOT_FOUND;
    case 'too_many_limited_keys':
      return TOO_MANY_LIMITED_KEYS;
    default:
      return refused satisfies never;
  }
}
