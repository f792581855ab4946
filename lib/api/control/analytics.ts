import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { analyse, type ClientMonth, type ModelUsage, worthOf } from '#core/analytics/analyse.ts';
import { dayAt } from '#core/metering/periods.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import type { RouteHandler } from './dispatch.ts';

const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;
const NAMED = 5;
const Query = z.strictObject({
  month: z.optional(z.string().check(z.regex(MONTH, 'must be a month such as "2026-11"'))),
});

/** `GET /admin/analytics?month=` → revenue and its movements, usage by client and model, the best and worst clients. */
export const readAnalytics: RouteHandler = async (deps, request) => {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const current = dayAt(deps.world.clock()).slice(0, 7);
  const { month = current } = query.value;
  const { directory, ledger, subscriptions, snapshots } = deps;
  const { movements, clients, models, ...found } = await analyse(
    { directory, ledger, subscriptions: subscriptions.store, catalogue: subscriptions.catalogue, snapshots },
    { month, isCurrent: month === current },
  );
  const active = clients.filter((client) => worthOf(client) > 0 || client.calls > 0);
  return respond(200, {
    object: 'analytics',
    month,
    currency: found.currency,
    is_complete: found.isComplete,
    mrr_minor_units: movements.toMinor,
    paying_tenants: found.payingTenants,
    arpu_minor_units: found.arpuMinor,
    movements: {
      from: movements.fromMinor,
      new: movements.newMinor,
      expansion: movements.expansionMinor,
      contraction: movements.contractionMinor,
      churned: movements.churnedMinor,
      to: movements.toMinor,
      new_tenants: movements.newTenants,
      churned_tenants: movements.churnedTenants,
      tenant_churn_percent: percent(movements.tenantChurnBasisPoints),
      revenue_churn_percent: percent(movements.revenueChurnBasisPoints),
    },
    best: active.slice(0, NAMED).map(clientBody),
    worst: active.slice(-NAMED).reverse().map(clientBody),
    models: models.map(modelBody),
    tenants: clients.map((client) => ({ ...clientBody(client), models: client.models.map(modelBody) })),
  });
};

const percent = (basisPoints: number | null): string | null =>
  basisPoints === null ? null : (basisPoints / 100).toFixed(2);

const clientBody = (client: ClientMonth) => ({
  id: client.tenantId,
  name: client.name,
  worth_minor_units: worthOf(client),
  mrr_minor_units: client.recurringMinor,
  credits_bought: formatCredits(micro(client.boughtMicro)),
  credits_used: formatCredits(micro(client.usedMicro)),
  calls: client.calls,
});

const modelBody = ({ model, calls, costMicro }: ModelUsage) => ({
  model,
  calls,
  credits: formatCredits(micro(costMicro)),
});
