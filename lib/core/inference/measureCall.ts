import type { LimitStatus } from '#core/limits/types.ts';
import type { UsageEvent, UsageStatus } from '#core/metering/types.ts';
import { MAX_TOKENS_PER_CALL } from '#core/pricing/priceCall.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import { versionName } from '#core/routing/chooseVersion.ts';
import type { HoldId, RequestId } from '#core/shared/ids.ts';
import { addMicro, type MicroCredits, subtractMicro } from '#core/shared/money.ts';
import type { World } from '#core/shared/world.ts';
import type { Caller } from '#core/tenants/ports.ts';
import type { CallPlan } from './planCall.ts';
import type { IdempotencyClaim, InferenceLog, TokenCounter } from './ports.ts';
import { deliveredText, finishedChoices, type Tally } from './tally.ts';
import type { Completion, InferenceRequest, TokenUsage } from './types.ts';

/** A call that credits are held for. */
export type HeldCall = {
  readonly caller: Caller;
  readonly request: InferenceRequest;
  readonly requestId: RequestId;
  readonly plan: CallPlan;
  readonly holdId: HoldId;
  /** What was left available right after the hold. */
  readonly availableMicro: MicroCredits;
  readonly startedAtMs: number;
  /** Where the caller's limits stood right after the hold; absent where there are none. */
  readonly limits?: LimitStatus;
  readonly network?: string;
  readonly claim?: IdempotencyClaim;
};

/** How the engine's answer began. */
export type Beginning = {
  readonly adapter: string | null;
  readonly engineCalledAtMs: number;
  readonly firstTokenAtMs: number;
};

/**
 * The tokens that a call is charged for: what the engine counted where it said so, else what our own tokenizer
 * counts in the text that was delivered. Never more than was quoted, so that a charge never exceeds its hold.
 */
export async function measureTokens(
  { tokens, log }: { readonly tokens: TokenCounter; readonly log: InferenceLog },
  call: HeldCall,
  tally: Tally,
  status: UsageStatus,
): Promise<TokenUsage> {
  // Of a call that did not end, only a running total says something: an engine without one counts nothing until the end.
  const isTotal = status === 'succeeded' || (tally.usage?.completionTokens ?? 0) > 0;
  const reported = isTotal ? tally.usage : null;
  const { plan, request, requestId } = call;
  const inputTokens = saneCount(reported?.promptTokens) ?? plan.inputTokens;
  const outputTokens =
    saneCount(reported?.completionTokens) ??
    (await countDelivered(tokens, plan.version.baseModel, tally).catch((error: unknown) => {
      log.warn('delivered tokens could not be counted: counting deltas', { requestId, error });
      return tally.deltas;
    }));
  const quoted = { inputTokens: plan.inputTokens, outputTokens: plan.maxTokens * request.choices };
  if (inputTokens > quoted.inputTokens || outputTokens > quoted.outputTokens) {
    log.warn('the engine counted more tokens than were quoted', {
      requestId,
      inputTokens,
      outputTokens,
      quoted,
    });
  }
  return {
    inputTokens: Math.min(inputTokens, quoted.inputTokens),
    outputTokens: Math.min(outputTokens, quoted.outputTokens),
  };
}

const saneCount = (count: number | undefined): number | undefined =>
  count !== undefined && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS_PER_CALL
    ? count
    : undefined;

async function countDelivered(tokens: TokenCounter, baseModel: string, tally: Tally): Promise<number> {
  const counts = await Promise.all(deliveredText(tally).map((text) => tokens.countText(baseModel, text)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The usage event of a call that was answered, in whole or in part. */
export function usageOf(
  world: World,
  call: HeldCall,
  {
    began,
    status,
    usage,
  }: { readonly began: Beginning; readonly status: UsageStatus; readonly usage: TokenUsage },
): UsageEvent {
  const endedAtMs = world.clock();
  return {
    ...eventFrame(world, call),
    ...usage,
    adapter: began.adapter,
    computeMs: span(began.engineCalledAtMs, endedAtMs),
    timeToFirstTokenMs: span(call.startedAtMs, began.firstTokenAtMs),
    status,
    endedAtMs,
  };
}

/** A clock may be set back during a call, and no settlement takes a time below nothing. */
const span = (fromMs: number, toMs: number): number => Math.max(0, toMs - fromMs);

/** The usage event of a call that delivered nothing: metered, and free. */
export const freeUsageOf = (world: World, call: HeldCall): UsageEvent => ({
  ...eventFrame(world, call),
  inputTokens: 0,
  outputTokens: 0,
  adapter: null,
  computeMs: 0,
  timeToFirstTokenMs: null,
  status: 'engine_failed',
  endedAtMs: world.clock(),
});

const eventFrame = (world: World, { caller, request, plan, ...call }: HeldCall) => ({
  id: world.newId<UsageEvent['id']>('usageEvent'),
  tenantId: caller.tenant.id,
  keyId: caller.key.id,
  requestId: call.requestId,
  holdId: call.holdId,
  model: request.model,
  operation: request.operation,
  user: request.user,
  choices: request.choices,
  ...(call.network === undefined ? {} : { network: call.network }),
  startedAtMs: call.startedAtMs,
  version: versionName(plan.version),
  servedBy: plan.servedBy,
  ...comparedAt(plan.route),
  priceBook: {
    id: plan.book.id,
    version: plan.book.version,
    ...(plan.book.armOf === undefined ? {} : { armOf: plan.book.armOf }),
  },
});

const comparedAt = ({ rollout }: CallPlan['route']) =>
  rollout?.canary === undefined && rollout?.shadow === undefined ? {} : { rollout: rollout.revision };

/** The whole answer with its receipt, rated by the very book that quoted it. */
export function completionOf(
  call: HeldCall,
  { event, tally, id }: { readonly event: UsageEvent; readonly tally: Tally; readonly id: string },
): Completion {
  const cost = rateUsage(call.plan.book, event);
  if (!cost.ok) throw new Error(`a call was quoted and cannot be rated: ${cost.error.code}`);
  const balanceMicro = subtractMicro(addMicro(call.availableMicro, call.plan.quoteMicro), cost.value);
  return {
    id,
    createdSec: Math.floor(call.startedAtMs / 1_000),
    operation: call.request.operation,
    model: call.request.model,
    choices: finishedChoices(tally),
    usage: { inputTokens: event.inputTokens, outputTokens: event.outputTokens },
    receipt: { costMicro: cost.value, balanceMicro, adapter: event.adapter },
    broken: event.status === 'engine_failed',
  };
}
