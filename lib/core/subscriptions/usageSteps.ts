import { type GrantId, parseId } from '#core/shared/ids.ts';
import { type MicroCredits, maxMicro, micro, subtractMicro, ZERO } from '#core/shared/money.ts';
import { withheldOf } from './paidBack.ts';
import type { Plan } from './plan.ts';
import type { PlanAccess } from './status.ts';
import type {
  SubscriptionRecord,
  SubscriptionReview,
  SubscriptionStep,
  UsageGrant,
  UsageGrants,
} from './types.ts';
import { type Period, usagePeriodAt } from './usagePeriod.ts';

/**
 * How long the usage of a month outlives it. The payment that opens the next one is made at that very moment, and
 * Dodo's word of it takes a while: nobody shall stand without usage in between.
 */
export const RENEWAL_GRACE_MS = 3_600_000;

/** Renewals come a little early or late: only a longer overlap is a period that begins anew. */
const OVERLAP_MS = 86_400_000;

type Context = {
  readonly record: SubscriptionRecord;
  readonly plan: Plan | undefined;
  readonly access: PlanAccess;
  readonly nowMs: number;
  readonly review: Set<SubscriptionReview>;
};

/**
 * What the state asks of the ledger: the usage of the month granted once, out of reach while paused or disputed, taken
 * back with the money, gone at the end.
 */
export function usageSteps(context: Context): SubscriptionRecord {
  const { record, access } = context;
  switch (access) {
    case 'none':
      return record;
    case 'paused':
    case 'ended':
      return freeze(context);
    case 'open':
      if (record.paidBack?.isDisputed === true) return freeze(context);
      return grantMonth(takeBack(release(context), context.nowMs), context);
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
  { id, usage, pauses, status, paidBack }: SubscriptionRecord,
  atMs: number,
): readonly SubscriptionStep[] =>
  (usage?.grants ?? []).map(({ grantId }) => ({
    kind,
    grantId,
    sourceId: `${id}/pause-${pauses}/${grantId}`,
    reason: paidBack?.isDisputed === true ? 'its payment is disputed' : `the subscription is ${status}`,
    atMs,
  }));

/** What came back of the payment takes its share of the month with it, as far as it is not spent. */
function takeBack(record: SubscriptionRecord, atMs: number): SubscriptionRecord {
  const { id, usage, paidBack } = record;
  if (usage === null || paidBack === null || usage.period.startMs < paidBack.billingStartMs) return record;
  const steps: SubscriptionStep[] = [];
  const grants = usage.grants.map((grant) => {
    const withheldMicro = withheldOf(grant, paidBack);
    if (withheldMicro <= grant.withheldMicro) return grant;
    steps.push({
      kind: 'take_back',
      grantId: grant.grantId,
      amountMicro: subtractMicro(withheldMicro, grant.withheldMicro),
      sourceId: `${id}/back-${withheldMicro}/${grant.grantId}`,
      reason: 'the payment of the subscription was returned',
      atMs,
    });
    return { ...grant, withheldMicro };
  });
  return { ...record, usage: { ...usage, grants }, steps: [...record.steps, ...steps] };
}

function grantMonth(record: SubscriptionRecord, { plan, nowMs, review }: Context): SubscriptionRecord {
  // Dodo's clock may be ahead of ours: what it says has begun has begun.
  const period = usagePeriodAt(record.billing, Math.max(nowMs, record.billing.startMs));
  if (period === undefined || plan === undefined) return record;
  const isSame = record.usage?.period.startMs === period.startMs;
  // Dodo may move the dates on before the money is there: what is owed gives nothing new.
  if (!isSame && record.usage !== null && record.status === 'past_due') return record;
  const before = isSame && record.usage !== null ? record.usage : emptyMonth(record, period);
  const steps: SubscriptionStep[] = [];
  const grants: UsageGrant[] = [...before.grants];
  for (const kind of ['included', 'overage'] as const) {
    const amountMicro = isSame
      ? addedBy(kind, { plan, before, nowMs })
      : wholeMonth(kind, { plan, period, last: record.usage });
    if (amountMicro === 0) continue;
    const withheldMicro = withheldOf({ kind, amountMicro }, record.paidBack);
    const step = grantStep({ record, plan, period: before.period, grantKind: kind, amountMicro, nowMs });
    if (step === undefined) {
      review.add('unusable_id');
      return record;
    }
    if (grants.some(({ grantId }) => grantId === step.grantId)) continue;
    grants.push({ grantId: step.grantId, kind, amountMicro, withheldMicro });
    const given = subtractMicro(amountMicro, withheldMicro);
    if (given > 0) steps.push({ ...step, amountMicro: given });
  }
  const fresh = grants.slice(before.grants.length).filter(({ kind }) => kind === 'overage');
  const usage: UsageGrants = {
    period: before.period,
    grants,
    onAccount: [...before.onAccount, ...fresh.map(({ grantId }) => grantId)],
    includedMicro: maxMicro(plan.includedMicro, before.includedMicro),
    overageMicro: maxMicro(plan.overage?.limitMicro ?? ZERO, before.overageMicro),
  };
  return { ...record, usage, steps: [...record.steps, ...steps] };
}

const emptyMonth = ({ usage, billing }: SubscriptionRecord, period: Period): UsageGrants => ({
  period,
  grants: [],
  // A month that is not the billing period's first is paid for together with those before it.
  onAccount: usage !== null && usage.period.startMs >= billing.startMs ? usage.onAccount : [],
  includedMicro: ZERO,
  overageMicro: ZERO,
});

const levelOf = (kind: UsageGrant['kind'], plan: Plan): MicroCredits =>
  kind === 'included' ? plan.includedMicro : (plan.overage?.limitMicro ?? ZERO);

/**
 * What a plan gives at the beginning of a month: all of it. Where a billing period begins anew in the middle of a
 * month, as when its length is changed, Dodo credits the rest of the payment before; so the rest of that month's
 * share, rounded up, is not given a second time.
 */
function wholeMonth(
  kind: UsageGrant['kind'],
  { plan, period, last }: { readonly plan: Plan; readonly period: Period; readonly last: UsageGrants | null },
): MicroCredits {
  const level = levelOf(kind, plan);
  if (last === null || last.period.startMs >= period.startMs) return level;
  const overlapMs = last.period.endMs - period.startMs;
  if (overlapMs <= OVERLAP_MS) return level;
  const had = BigInt(kind === 'included' ? last.includedMicro : last.overageMicro) * BigInt(overlapMs);
  const lastedMs = BigInt(last.period.endMs - last.period.startMs);
  return maxMicro(subtractMicro(level, micro(Number((had + lastedMs - 1n) / lastedMs))), ZERO);
}

/**
 * What a plan that is changed to in the middle of a month adds: the rest of the month's share of what it has beyond
 * the best plan so far, rounded down.
 */
function addedBy(
  kind: UsageGrant['kind'],
  { plan, before, nowMs }: { readonly plan: Plan; readonly before: UsageGrants; readonly nowMs: number },
): MicroCredits {
  const best = kind === 'included' ? before.includedMicro : before.overageMicro;
  const more = maxMicro(subtractMicro(levelOf(kind, plan), best), ZERO);
  const { startMs, endMs } = before.period;
  return micro(Number((BigInt(more) * BigInt(Math.max(0, endMs - nowMs))) / BigInt(endMs - startMs)));
}

type GrantOf = {
  readonly record: SubscriptionRecord;
  readonly plan: Plan;
  readonly period: Period;
  readonly grantKind: UsageGrant['kind'];
  readonly amountMicro: MicroCredits;
  readonly nowMs: number;
};

type GrantStep = Extract<SubscriptionStep, { readonly kind: 'grant' }>;

/** One month of a subscription gives each plan's usage once, and its grant has one id, always the same. */
function grantStep(grant: GrantOf): GrantStep | undefined {
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
