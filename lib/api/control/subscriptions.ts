import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readBody } from '#api/edge/readBody.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import {
  type ChangeRefused,
  cancelSubscription as cancel,
  changeSubscription as change,
  previewSubscriptionChange,
  type WantedChange,
} from '#core/subscriptions/changeSubscription.ts';
import { type OpenSubscriptionRefused, openSubscription } from '#core/subscriptions/openSubscription.ts';
import { INTERVALS } from '#core/subscriptions/plan.ts';
import { readPlanUsage } from '#core/subscriptions/planUsage.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { emailField, idParam, readIdempotencyKey, returnUrlField } from './fields.ts';
import {
  previewBody,
  subscriptionBody,
  subscriptionCheckoutBody,
  subscriptionRefusal,
} from './subscriptionBodies.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MAX_ADD_ONS = 20;
const addOnsField = z
  .array(z.strictObject({ id: z.string(), quantity: z.int().check(z.gte(0), z.lte(MAX_ADD_ONS)) }))
  .check(z.maxLength(MAX_ADD_ONS));

const planFields = {
  plan: z.string(),
  interval: z.optional(z.enum(INTERVALS)),
  add_ons: z.optional(addOnsField),
};
const checkoutFields = {
  ...planFields,
  return_url: z.optional(returnUrlField),
  email: z.optional(emailField),
};
const NewCheckout = z.strictObject(checkoutFields);
const NewAgencyCheckout = z.strictObject({ ...checkoutFields, setup_fee: z.optional(z.boolean()) });
const Change = z.strictObject({
  ...planFields,
  preview: z.optional(z.boolean()),
  effective: z.optional(z.enum(['now', 'next_period'])),
});
const Cancel = z.strictObject({ undo: z.optional(z.boolean()) });

/** `GET /subscription` → the plan, its state, what its month included and what is left, and the next invoice. */
export const readSubscription: AccountHandler = (deps, request) => show(deps, callingTenant(request));

/** `GET /admin/tenants/{tenant}/subscription` → the same. */
export const readTenantSubscription: RouteHandler = (deps, request) =>
  ofTenant(deps, request, (tenantId) => show(deps, tenantId));

/**
 * `POST /subscription/checkout {plan, interval?, add_ons?, return_url?, email?}` → 201 with the address where the
 * plan and its setup fee are paid. With an `Idempotency-Key` a repeat answers the same checkout.
 */
export const createSubscriptionCheckout: AccountHandler = (deps, request) => {
  const body = readBody(request, NewCheckout);
  return body.ok
    ? open(deps, request, callingTenant(request), body.value)
    : Promise.resolve(refuse(body.error));
};

/** `POST /admin/tenants/{tenant}/subscription/checkout {…, setup_fee?}` → the same; `setup_fee: false` waives it. */
export const createTenantSubscriptionCheckout: RouteHandler = (deps, request) =>
  ofTenant(deps, request, async (tenantId) => {
    const body = readBody(request, NewAgencyCheckout);
    return body.ok ? open(deps, request, tenantId, body.value) : refuse(body.error);
  });

/**
 * `POST /subscription/change {plan, interval?, add_ons?, effective?, preview?}` → the subscription as it is then; with
 * `preview: true` what would be charged now, and nothing is changed. What is dearer begins now, unless `effective:
 * "next_period"` says otherwise; what is cheaper begins with the next payment. What is left out stays as it is, and
 * asking for what there is takes a change back that waits.
 */
export const changeSubscription: AccountHandler = (deps, request) =>
  changeOf(deps, request, { tenantId: callingTenant(request), mayCheapenNow: false });

/** `POST /admin/tenants/{tenant}/subscription/change` → the same, and what is cheaper may begin now. */
export const changeTenantSubscription: RouteHandler = (deps, request) =>
  ofTenant(deps, request, (tenantId) => changeOf(deps, request, { tenantId, mayCheapenNow: true }));

/** `POST /subscription/cancel {undo?}` → it ends with the period that is paid; `undo: true` takes that back. */
export const cancelSubscription: AccountHandler = (deps, request) =>
  cancelOf(deps, request, callingTenant(request));

/** `POST /admin/tenants/{tenant}/subscription/cancel` → the same. */
export const cancelTenantSubscription: RouteHandler = (deps, request) =>
  ofTenant(deps, request, (tenantId) => cancelOf(deps, request, tenantId));

async function show(deps: AccountDeps, tenantId: TenantId): Promise<ApiResponse> {
  const { store, catalogue } = deps.subscriptions;
  const record = await store.subscriptionOf(tenantId);
  return respond(200, subscriptionBody(record, catalogue, await readPlanUsage(deps.ledger, record)));
}

async function ofTenant(
  { directory }: AccountDeps,
  request: ApiRequest,
  answer: (tenantId: TenantId) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await directory.readTenant(tenantId);
  return tenant === undefined ? refuse(TENANT_NOT_FOUND) : answer(tenant.id);
}

async function open(
  deps: AccountDeps,
  request: ApiRequest,
  tenantId: TenantId,
  body: z.output<typeof NewAgencyCheckout>,
): Promise<ApiResponse> {
  const idempotencyKey = readIdempotencyKey(request);
  if (!idempotencyKey.ok) return refuse(idempotencyKey.error);
  const { subscriptions, directory, world } = deps;
  const opened = await openSubscription(
    { ...subscriptions, directory, world },
    {
      tenantId,
      planId: body.plan,
      interval: body.interval ?? 'monthly',
      addOns: body.add_ons ?? [],
      withSetup: body.setup_fee ?? true,
      returnUrl: body.return_url ?? null,
      email: body.email ?? null,
      idempotencyKey: idempotencyKey.value ?? null,
    },
  );
  return answer(deps, opened, (checkout) => respond(201, subscriptionCheckoutBody(checkout)));
}

async function changeOf(
  deps: AccountDeps,
  request: ApiRequest,
  who: Pick<WantedChange, 'tenantId' | 'mayCheapenNow'>,
): Promise<ApiResponse> {
  const body = readBody(request, Change);
  if (!body.ok) return refuse(body.error);
  const { subscriptions } = deps;
  const before = await subscriptions.store.subscriptionOf(who.tenantId);
  const wanted = {
    ...who,
    planId: body.value.plan,
    interval: body.value.interval ?? before?.interval ?? 'monthly',
    addOns: body.value.add_ons ?? before?.addOns ?? [],
    effective: body.value.effective,
  };
  const changing = changeDeps(deps);
  if (body.value.preview === true) {
    return answer(deps, await previewSubscriptionChange(changing, wanted), (preview) =>
      respond(200, previewBody(preview)),
    );
  }
  return shown(deps, await change(changing, wanted));
}

async function cancelOf(deps: AccountDeps, request: ApiRequest, tenantId: TenantId): Promise<ApiResponse> {
  const body = readBody(request, Cancel);
  if (!body.ok) return refuse(body.error);
  return shown(deps, await cancel(changeDeps(deps), { tenantId, cancel: body.value.undo !== true }));
}

const changeDeps = ({ subscriptions, ledger, world }: AccountDeps) => ({
  ...subscriptions,
  ledger,
  clock: world.clock,
});

const shown = (deps: AccountDeps, changed: Result<SubscriptionRecord, ChangeRefused>) =>
  answer(deps, changed, async (record) => {
    const used = await readPlanUsage(deps.ledger, record);
    return respond(200, subscriptionBody(record, deps.subscriptions.catalogue, used));
  });

async function answer<T>(
  { credits }: AccountDeps,
  done: Result<T, OpenSubscriptionRefused | ChangeRefused>,
  body: (value: T) => ApiResponse | Promise<ApiResponse>,
): Promise<ApiResponse> {
  if (done.ok) return body(done.value);
  if ('detail' in done.error) credits.onProviderFailure(done.error.code, done.error.detail);
  return refuse(subscriptionRefusal(done.error));
}
