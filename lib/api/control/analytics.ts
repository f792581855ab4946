import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { type Analytics, analyse } from '#core/analytics/analyse.ts';
import {
  type ClientMonth,
  type ModelUsage,
  marginOf,
  revenueOf,
  shareOf,
} from '#core/analytics/clientMonth.ts';
import { dayAt } from '#core/metering/periods.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import type { RouteHandler } from './dispatch.ts';

const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;
const MONEY = /^\d{1,9}(?:\.\d{1,2})?$/;
const NAMED = 5;
const Query = z.strictObject({
  month: z.optional(z.string().check(z.regex(MONTH, 'must be a month such as "2026-11"'))),
  serving_cost: z.optional(
    z.string().check(z.regex(MONEY, 'must be an amount of money with at most two decimals, such as "3000"')),
  ),
});

/**
 * `GET /admin/analytics?month=&serving_cost=` → revenue and its movements, what is left of it by client, usage by client
 * and model, the best and the worst clients.
 */
export const readAnalytics: RouteHandler = async (deps, request) => {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const nowMs = deps.world.clock();
  const { month = dayAt(nowMs).slice(0, 7), serving_cost: cost } = query.value;
  if (month > dayAt(nowMs).slice(0, 7)) {
    return refuse({ code: 'invalid_request', message: `'month' has not begun yet.`, param: 'month' });
  }
  const { directory, ledger, subscriptions, credits, jobCosts, reconciliation } = deps;
  const found = await analyse(
    {
      directory,
      ledger,
      subscriptions: subscriptions.store,
      catalogue: subscriptions.catalogue,
      billing: credits.store,
      jobCosts,
      awsCosts: reconciliation.store,
      endpointNames: reconciliation.endpointNames,
    },
    { month, nowMs, servingMinor: cost === undefined ? undefined : Math.round(Number(cost) * 100) },
  );
  return respond(200, analyticsBody(found));
};

function analyticsBody({ movements, clients, models, ...found }: Analytics) {
  const active = clients.filter(isActive);
  return {
    object: 'analytics',
    month: found.month,
    currency: found.currency,
    is_complete: found.isComplete,
    mrr_minor_units: movements.toMinor,
    paying_tenants: found.payingTenants,
    arpu_minor_units: found.arpuMinor,
    movements: {
      from: movements.fromMinor,
      new: movements.newMinor,
      returned: movements.returnedMinor,
      expansion: movements.expansionMinor,
      contraction: movements.contractionMinor,
      churned: movements.churnedMinor,
      to: movements.toMinor,
      new_tenants: movements.newTenants,
      returned_tenants: movements.returnedTenants,
      churned_tenants: movements.churnedTenants,
      tenant_churn_percent: percent(movements.tenantChurnBasisPoints),
      revenue_churn_percent: percent(movements.revenueChurnBasisPoints),
    },
    ...totalsOf(found, clients),
    ranked_by: found.rankedBy,
    best: active.slice(0, NAMED).map(clientBody),
    worst: active.slice(-NAMED).reverse().map(clientBody),
    models: models.map(modelBody),
    tenants: clients.map((client) => ({ ...clientBody(client), models: client.models.map(modelBody) })),
  };
}

const isActive = (client: ClientMonth): boolean =>
  revenueOf(client) > 0 || client.calls > 0 || (client.trainingMinor ?? 0) > 0;

function totalsOf(
  { servingSource, unsharedMinor }: Pick<Analytics, 'servingSource' | 'unsharedMinor'>,
  clients: readonly ClientMonth[],
) {
  const revenue = sum(clients.map(revenueOf)) ?? 0;
  const margin = sum([...clients.map(marginOf), unsharedMinor === null ? null : -unsharedMinor]);
  return {
    revenue_minor_units: revenue,
    costs: {
      training_minor_units: sum(clients.map(({ trainingMinor }) => trainingMinor)),
      serving_minor_units: sum([...clients.map(({ servingMinor }) => servingMinor), unsharedMinor]),
      serving_source: servingSource,
      unused_endpoints_minor_units: unsharedMinor,
    },
    margin_minor_units: margin,
    margin_percent: percent(shareOf(margin, revenue)),
  };
}

/** Null where a part is not known. */
const sum = (parts: readonly (number | null)[]): number | null =>
  parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);

const percent = (basisPoints: number | null): string | null =>
  basisPoints === null ? null : (basisPoints / 100).toFixed(2);

const clientBody = (client: ClientMonth) => ({
  id: client.tenantId,
  name: client.name,
  revenue_minor_units: revenueOf(client),
  mrr_minor_units: client.recurringMinor,
  packs_minor_units: client.packsMinor,
  training_cost_minor_units: client.trainingMinor,
  serving_cost_minor_units: client.servingMinor,
  margin_minor_units: marginOf(client),
  margin_percent: percent(shareOf(marginOf(client), revenueOf(client))),
  credits_used: formatCredits(micro(client.usedMicro)),
  calls: client.calls,
  compute_ms: client.computeMs,
});

const modelBody = ({ model, calls, costMicro }: ModelUsage) => ({
  model,
  calls,
  credits: formatCredits(micro(costMicro)),
});
