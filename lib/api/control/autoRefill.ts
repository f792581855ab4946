import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { localMonth } from '#core/pricing/localTime.ts';
import { type ChangeRefillRefused, changeRefill } from '#core/refill/changeRefill.ts';
import { newRefillState, refillsIn } from '#core/refill/refillRules.ts';
import type { EndedRefill, RefillSettings, RefillState } from '#core/refill/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, micro, parseCredits } from '#core/shared/money.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { providerRefusal } from './creditCheckout.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { emailField, idParam, returnUrlField, toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MAX_A_MONTH = 100;
const ENDED_SHOWN = 20;

const AutoRefill = z.strictObject({
  enabled: z.boolean(),
  threshold: z.optional(
    z.string().check(
      z.refine((text) => (parseCredits(text) ?? 0) > 0, {
        error: 'must be a decimal string of credits above 0, such as "10"',
      }),
    ),
  ),
  pack_id: z.optional(z.string()),
  monthly_limit: z.optional(z.int().check(z.gte(1), z.lte(MAX_A_MONTH))),
  return_url: z.optional(returnUrlField),
  email: z.optional(emailField),
});

/** `GET /credits/auto_refill` → what is wanted, and where it stands. */
export const readAutoRefill: AccountHandler = async (deps, request) => {
  const tenantId = callingTenant(request);
  const [tenant, state] = await Promise.all([
    deps.directory.readTenant(tenantId),
    deps.credits.refills.read(tenantId),
  ]);
  return respond(200, refillBody(deps, tenant, state ?? newRefillState(tenantId, defaultsOf(deps))));
};

/**
 * `PUT /credits/auto_refill {enabled, threshold?, pack_id?, monthly_limit?, return_url?, email?}` → the same as GET.
 * What is left out stays as it was; `setup_url` is where a payment method is given, if there is none yet.
 */
export const changeAutoRefill: AccountHandler = async (deps, request) => {
  const body = readBody(request, AutoRefill);
  if (!body.ok) return refuse(body.error);
  const { enabled, threshold, pack_id, monthly_limit, return_url = null, email = null } = body.value;
  const tenantId = callingTenant(request);
  const { credits, directory, world } = deps;
  const before = (await credits.refills.read(tenantId))?.settings ?? defaultsOf(deps);
  const settings: RefillSettings = {
    isEnabled: enabled,
    thresholdMicro: parseCredits(threshold ?? '') ?? before.thresholdMicro,
    packId: pack_id ?? before.packId,
    monthlyLimit: monthly_limit ?? before.monthlyLimit,
  };
  const changed = await changeRefill(
    { ...credits, directory, world },
    { tenantId, settings, returnUrl: return_url, email },
  );
  if (changed.ok) {
    const tenant = await directory.readTenant(tenantId);
    return respond(200, {
      ...refillBody(deps, tenant, changed.value.state),
      setup_url: changed.value.setupUrl,
    });
  }
  if ('detail' in changed.error) credits.onProviderFailure(changed.error.code, changed.error.detail);
  return refuse(refillRefusal(changed.error));
};

/** `GET /admin/tenants/{tenant}/auto_refill` → the same, with what ended of late. */
export const readTenantAutoRefill: RouteHandler = async (deps, request) => {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await deps.directory.readTenant(tenantId);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  const [state, { refills }] = await Promise.all([
    deps.credits.refills.read(tenant.id),
    deps.credits.refills.listEnded(tenant.id, { limit: ENDED_SHOWN }),
  ]);
  return respond(200, {
    ...refillBody(deps, tenant, state ?? newRefillState(tenant.id, defaultsOf(deps))),
    ended: refills.map(endedBody),
  });
};

const DEFAULT_THRESHOLD = micro(10_000_000);
const DEFAULT_MONTHLY_LIMIT = 5;

const defaultsOf = ({ credits }: Pick<AccountDeps, 'credits'>): RefillSettings => ({
  isEnabled: false,
  thresholdMicro: DEFAULT_THRESHOLD,
  packId: credits.catalogue.packs[0]?.id ?? '',
  monthlyLimit: DEFAULT_MONTHLY_LIMIT,
});

function refillBody({ world }: Pick<AccountDeps, 'world'>, tenant: Tenant | undefined, state: RefillState) {
  const nowMs = world.clock();
  const used = refillsIn(state, localMonth(tenant?.timeZone ?? 'UTC', nowMs));
  const { isEnabled, thresholdMicro, packId, monthlyLimit } = state.settings;
  return {
    object: 'auto_refill',
    enabled: isEnabled,
    threshold: formatCredits(thresholdMicro),
    pack_id: packId,
    monthly_limit: monthlyLimit,
    refills_this_month: used,
    status: statusOf(state, { used, nowMs }),
    stopped_because: state.stopped,
    next_attempt_at: state.notBeforeMs > nowMs ? toSeconds(state.notBeforeMs) : null,
  };
}

function statusOf(
  state: RefillState,
  { used, nowMs }: { readonly used: number; readonly nowMs: number },
): string {
  if (state.open !== null) return 'in_progress';
  if (!state.settings.isEnabled) return 'off';
  if (state.stopped !== null) return 'stopped';
  if (state.notBeforeMs > nowMs) return 'waiting';
  if (state.mandateId === null && state.failures === 0) return 'needs_payment_method';
  return used >= state.settings.monthlyLimit ? 'limit_reached' : 'active';
}

const endedBody = (refill: EndedRefill) => ({
  id: refill.id,
  outcome: refill.outcome,
  detail: refill.detail,
  pack_id: refill.pack.id,
  price: { minor_units: refill.pack.priceMinor, currency: refill.pack.currency },
  payment: refill.paymentId,
  created_at: toSeconds(refill.createdAtMs),
  ended_at: toSeconds(refill.endedAtMs),
});

function refillRefusal(refused: ChangeRefillRefused): ApiError {
  switch (refused.code) {
    case 'unknown_pack':
      return {
        code: 'invalid_request',
        message: `There is no such pack. There are: ${refused.known.join(', ')}.`,
        param: 'pack_id',
      };
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'refills_not_offered':
      return { code: 'conflict', message: 'Automatic refills are not offered here. Buy credits by hand.' };
    case 'refill_contended':
      return { code: 'conflict', message: 'A refill is being changed by others right now. Try again.' };
    case 'customer_refused':
    case 'payment_provider_unavailable':
      return providerRefusal(refused.code);
    default:
      return refused satisfies never;
  }
}
