import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { NoCustomer } from '#core/billing/customerOf.ts';
import { type CheckoutRefused, type OpenedCheckout, openCheckout } from '#core/billing/openCheckout.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { emailField, readIdempotencyKey, returnUrlField, toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MAX_QUANTITY = 100;
const RETRY_AFTER_SECONDS = 10;

const NewCheckout = z.strictObject({
  pack_id: z.optional(z.string()),
  pack: z.optional(z.string()),
  quantity: z.optional(z.int().check(z.gte(1), z.lte(MAX_QUANTITY))),
  return_url: z.optional(returnUrlField),
  email: z.optional(emailField),
});

/**
 * `POST /credits/checkout {pack_id, quantity?, return_url?, email?}` → 201 with the address where the pack is paid.
 * `pack` is taken for `pack_id`; `email` is where receipts go, used at the first checkout. With an
 * `Idempotency-Key` a repeat answers the same checkout.
 */
export const createCreditCheckout: AccountHandler = async ({ credits, directory, world }, request) => {
  const body = readBody(request, NewCheckout);
  if (!body.ok) return refuse(body.error);
  const { pack_id, pack, quantity = 1, return_url = null, email = null } = body.value;
  const packId = pack_id ?? pack;
  if (packId === undefined || (pack !== undefined && pack !== packId)) return refuse(ONE_PACK);
  const idempotencyKey = readIdempotencyKey(request);
  if (!idempotencyKey.ok) return refuse(idempotencyKey.error);
  const opened = await openCheckout(
    { ...credits, packs: credits.catalogue.packs, directory, world },
    {
      tenantId: callingTenant(request),
      packId,
      quantity,
      returnUrl: return_url,
      email,
      idempotencyKey: idempotencyKey.value ?? null,
    },
  );
  if (opened.ok) return respond(201, checkoutBody(opened.value));
  if ('detail' in opened.error) credits.onProviderFailure(opened.error.code, opened.error.detail);
  return refuse(checkoutRefusal(opened.error));
};

const ONE_PACK: ApiError = {
  code: 'invalid_request',
  message: "'pack_id' is required. GET /v1/credits/packs lists the packs.",
  param: 'pack_id',
};

function checkoutRefusal(refused: CheckoutRefused): ApiError {
  switch (refused.code) {
    case 'unknown_pack':
      return {
        code: 'invalid_request',
        message: `There is no such pack. There are: ${refused.known.join(', ')}.`,
        param: 'pack_id',
      };
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'idempotency_key_reused':
      return {
        code: 'idempotency_key_reused',
        message: 'This idempotency-key was used for another checkout. Use a new one for a new checkout.',
      };
    case 'customer_refused':
    case 'payment_provider_unavailable':
      return providerRefusal(refused.code);
    default:
      return refused satisfies never;
  }
}

/** What it is to the client that Dodo did not do what was asked. */
export const providerRefusal = (code: NoCustomer['code']): ApiError =>
  code === 'customer_refused'
    ? {
        code: 'invalid_request',
        message: "The payment provider does not take this address. Give an 'email' that receipts can go to.",
        param: 'email',
      }
    : {
        code: 'payment_provider_unavailable',
        message: 'The payment provider does not answer. Nothing was charged; try again in a moment.',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      };

const checkoutBody = ({ id, pack, quantity, session, createdAtMs }: OpenedCheckout) => ({
  id,
  object: 'credit_checkout',
  checkout_url: session.url,
  pack_id: pack.id,
  quantity,
  credits: formatCredits(micro(pack.creditsMicro * quantity)),
  price: { minor_units: pack.priceMinor * quantity, currency: pack.currency },
  created_at: toSeconds(createdAtMs),
});
