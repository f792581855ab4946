import * as z from 'zod/mini';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { ApplyRefused } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, parseCredits } from '#core/shared/money.ts';
import { adjustCredits as adjust } from '#core/tenants/adjustCredits.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, readIdempotencyKey, reasonField } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';
import { accountBody } from './tenants.ts';

const NewAdjustment = z.strictObject({ amount: z.string(), reason: reasonField });

/**
 * `POST /admin/tenants/{tenant}/credits {amount, reason}`: a decimal string of credits, above zero to grant and
 * below zero to take. With an `Idempotency-Key` a repeat changes nothing more and says `outcome: "duplicate"`.
 */
export const adjustCredits: RouteHandler = async (deps, request) => {
  const body = readBody(request, NewAdjustment);
  if (!body.ok) return refuse(body.error);
  const amountMicro = parseCredits(body.value.amount);
  if (amountMicro === undefined || amountMicro === 0) return refuse(BAD_AMOUNT);
  const givenKey = readIdempotencyKey(request);
  if (!givenKey.ok) return refuse(givenKey.error);
  const idempotencyKey = givenKey.value ?? deps.world.newId('request');
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const act = actOf(request, body.value.reason);
  const adjusted = await adjust(deps, { tenantId, amountMicro, idempotencyKey, act });
  if (!adjusted.ok) return refuse(adjustRefusal(adjusted.error));
  return respond(200, {
    object: 'credit_adjustment',
    tenant: tenantId,
    amount: formatCredits(amountMicro),
    outcome: adjusted.value.outcome,
    account: accountBody(adjusted.value.account),
  });
};

const BAD_AMOUNT: ApiError = {
  code: 'invalid_request',
  message:
    '\'amount\' must be a decimal string of credits that is not zero, with at most nine digits before and six after the point: "25" grants, "-2.5" takes.',
  param: 'amount',
};

function adjustRefusal(refused: ApplyRefused): ApiError {
  switch (refused.code) {
    case 'account_not_found':
      return TENANT_NOT_FOUND;
    case 'insufficient_credits':
      return {
        code: 'conflict',
        message: `Only ${formatCredits(refused.availableMicro)} credits are available to take. Take at most that.`,
        param: 'amount',
      };
    case 'idempotency_conflict':
      return {
        code: 'idempotency_conflict',
        message: 'This idempotency-key was used for another adjustment. Use a new one for a new adjustment.',
      };
    case 'too_many_grants':
      return {
        code: 'conflict',
        message: 'This tenant has too many open grants. Let it spend some, or take credits first.',
      };
    case 'grant_not_found':
      throw new Error('an adjustment names no grant');
    default:
      return refused satisfies never;
  }
}
