import { type GrantId, parseId } from '#core/shared/ids.ts';
import { type MicroCredits, maxMicro, micro, subtractMicro, ZERO } from '#core/shared/money.ts';
import type { Plan } from './plan.ts';
import type { PlanAccess } from './status.ts';
import type { SubscriptionRecord, SubscriptionReview, SubscriptionStep, UsageGrants } from './types.ts';
import { type Period, usagePeriodAt } from './usagePeriod.ts';

/**
 * How long the usage of a month outlives it. The payment that opens the next one is made at that very moment, and
 * Dodo's word of it takes a while: nobody shall stand without usage in between.
 */
export const RENEWAL_GRACE_MS = 3_600_000;

type Context = {
  readonly record: SubscriptionRecord;
  readonly plan: Plan | undefined;
  readonly access: PlanAccess;
  readonly nowMs: number;
  readonly review: Set<SubscriptionReview>;
};

/** What the state asks of the ledger: the usage of the month granted once, out of reach while paused, gone at the end. */
export function usageSteps(context: Context): SubscriptionRecord {
  const { record, access } = context;
  switch (access) {
    case 'none':
      return record;
    case 'paused':
    case 'ended':
      return freeze(context);
    case 'open':
      return grantMonth(release(context), context);
    default:
      return access satisfies never;
  }
}

function freeze({ record, nowMs }: Context): SubscriptionRecord {
  if (record.isFrozen || record.usage === null) return record;
  const pauses = record.pauses + 1;
  return {
    ...record,
    pauses,
    isFrozen: true,
    steps: [...record.steps, ...reachSteps('freeze', { ...record, pauses }, nowMs)],
  };
}

function release({ record, nowMs }: Context): SubscriptionRecord {
  if (!record.isFrozen) return record;
  return { ...record, isFrozen: false, steps: [...record.steps, ...reachSteps('release', record, nowMs)] };
}

/** Each pause has a number, so that the ledger can tell the second one from a repeat of the first. */
const reachSteps = (
  kind: 'freeze' | 'release',
  { id, usage, pauses, status }: SubscriptionRecord,
  atMs: number,
): readonly SubscriptionStep[] =>
  (usage?.grantIds ?? []).map((grantId) => ({
    kind,
    grantId,
    sourceId: `${id}/pause-${pauses}/${grantId}`,
    reason: `the subscription is ${status}`,
    atMs,
  }));

function grantMonth(record: SubscriptionRecord, { plan, nowMs, review }: Context): SubscriptionRecord {
  // Dodo's clock may be ahead of ours: what it says has begun has begun.
  const period = usagePeriodAt(record.billing, Math.max(nowMs, record.billing.startMs));
  if (period === undefined || plan === undefined) return record;
  const before =
    record.usage?.period.startMs === period.startMs
      ? record.usage
      : { period, grantIds: [], includedMicro: ZERO, overageMicro: ZERO };
  const steps: SubscriptionStep[] = [];
  for (const grantKind of ['included', 'overage'] as const) {
    const amountMicro = amountOf(grantKind, { plan, before, nowMs });
    if (amountMicro === 0) continue;
    const step = grantStep({ record, plan, period: before.period, grantKind, amountMicro, nowMs });
    if (step === undefined) {
      review.add('unusable_id');
      return record;
    }
    if (!before.grantIds.includes(step.grantId)) steps.push(step);
  }
  const usage: UsageGrants = {
    period: before.period,
    grantIds: [...before.grantIds, ...steps.map((step) => step.grantId)],
    includedMicro: maxMicro(plan.includedMicro, before.includedMicro),
    overageMicro: maxMicro(plan.overage?.limitMicro ?? ZERO, before.overageMicro),
  };
  return { ...record, usage, steps: [...record.steps, ...steps] };
}

/**
 * What a plan gives. At the beginning of a month that is all of it; a plan that is changed to in the middle gives the
 * rest of the month's share of what it has beyond the best plan so far, rounded down.
 */
function amountOf(
  kind: 'included' | 'overage',
  { plan, before, nowMs }: { readonly plan: Plan; readonly before: UsageGrants; readonly nowMs: number },
): MicroCredits {
  const [wanted, best] =
    kind === 'included'
      ? [plan.includedMicro, before.includedMicro]
      : [plan.overage?.limitMicro ?? ZERO, before.overageMicro];
  const more = maxMicro(subtractMicro(wanted, best), ZERO);
  if (before.grantIds.length === 0) return more;
  const { startMs, endMs } = before.period;
  return micro(Number((BigInt(more) * BigInt(Math.max(0, endMs - nowMs))) / BigInt(endMs - startMs)));
}

type GrantOf = {
  readonly record: SubscriptionRecord;
  readonly plan: Plan;
  readonly period: Period;
  readonly grantKind: 'included' | 'overage';
  readonly amountMicro: MicroCredits;
  readonly nowMs: number;
};

/** One month of a subscription gives each plan's usage once, and its grant has one id, always the same. */
function grantStep(grant: GrantOf): SubscriptionStep | undefined {
  const { record, plan, period, grantKind, amountMicro, nowMs } = grant;
  const begun = new Date(period.startMs).toISOString();
  const second = Math.floor(period.startMs / 1000).toString(36);
  const grantId = grantIdOf(`${record.id}-${second}-${plan.id}-${grantKind.slice(0, 3)}`);
  if (grantId === undefined) return undefined;
  const what = grantKind === 'included' ? `included in ${plan.name}` : `overage that ${plan.name} allows`;
  return {
    kind: 'grant',
    grantKind,
    grantId,
    amountMicro,
    expiresAtMs: period.endMs + RENEWAL_GRACE_MS,
    sourceId: `${record.id}/${begun}/${plan.id}/${grantKind}`,
    reason: `${what}, from ${begun.slice(0, 10)}`,
    atMs: nowMs,
  };
}

/** Undefined where Dodo's id is too long for one of ours. */
const grantIdOf = (body: string): GrantId | undefined =>
  parseId<GrantId>(
    'grant',
    `gra_${body.replace(/[^A-Za-z0-9-]/gu, (char) => `-${char.codePointAt(0)?.toString(16)}`)}`,
  );
