import { engineCall } from '#core/routing/engineCall.ts';
import type { HoldId, RequestId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Caller } from '#core/tenants/ports.ts';
import { engineBody } from './engineBody.ts';
import { giveUpCall } from './giveUpCall.ts';
import type { HeldCall } from './measureCall.ts';
import { type CallPlan, planCall } from './planCall.ts';
import type { EngineChunk, EngineRefused, IdempotencyClaim, InferencePorts } from './ports.ts';
import { claimRefusal, engineRefusal, holdRefusal } from './refusals.ts';
import { type EngineStream, type RunningCall, runCall } from './runCall.ts';
import { addChunk, emptyTally, hasBegun } from './tally.ts';
import type { Completion, InferenceRefused, InferenceRequest } from './types.ts';

/**
 * How long credits are held for one call: longer than the function may run (15 minutes) and the queue may take to
 * settle. A call that died is forgotten after it: its credits return, its idempotency key is free.
 */
export const HOLD_LIFETIME_MS = 20 * 60_000;

/** An engine that broke or was not reached before the first token is called once more, and never after it. */
const MAX_ATTEMPTS = 2;
/** A failure later than this is not tried again: the client has waited long enough. */
const TRY_AGAIN_WITHIN_MS = 10_000;

/** Chunks that an engine may send before its first token (roles, keep-alives). */
const MAX_SILENT_CHUNKS = 1_000;

export type InferenceCall = {
  readonly caller: Caller;
  readonly request: InferenceRequest;
  readonly requestId: RequestId;
  readonly idempotencyKey: string | undefined;
  /** A hash of the client's network; undefined when it is not known. */
  readonly network: string | undefined;
};

/** `replayed`: the first answer under the idempotency key, charged then and not again. */
export type Started =
  | { readonly kind: 'running'; readonly call: RunningCall }
  | { readonly kind: 'replayed'; readonly completion: Completion };

/**
 * Takes a call of an authenticated client to its first token: plan and quote, hold the most it can cost, call the
 * engine. Refused calls cost nothing and leave nothing held. Before the first token the database is written once
 * (the hold), and once more where the call carries an idempotency key.
 */
export async function startInference(
  ports: InferencePorts,
  call: InferenceCall,
): Promise<Result<Started, InferenceRefused>> {
  const nowMs = ports.world.clock();
  const plan = await planCall(ports, { caller: call.caller, request: call.request, nowMs });
  if (!plan.ok) return plan;

  const claim = claimOf(call, nowMs);
  if (claim === undefined) return holdAndStart(ports, call, { plan: plan.value, nowMs });
  const claimed = await ports.idempotency.claim(claim);
  if (!claimed.ok) return err(claimRefusal(claimed.error));
  if (claimed.value.kind === 'answered')
    return ok({ kind: 'replayed', completion: claimed.value.completion });
  return holdAndStart(ports, call, { plan: plan.value, nowMs, claim });
}

type Planned = { readonly plan: CallPlan; readonly nowMs: number; readonly claim?: IdempotencyClaim };

async function holdAndStart(
  ports: InferencePorts,
  { caller, request, requestId, network }: InferenceCall,
  { plan, nowMs, claim }: Planned,
): Promise<Result<Started, InferenceRefused>> {
  const holdId = ports.world.newId<HoldId>('hold');
  const tokens = plan.inputTokens + plan.maxTokens * request.choices;
  const hold = {
    tenantId: caller.tenant.id,
    keyId: caller.key.id,
    holdId,
    amountMicro: plan.quoteMicro,
    nowMs,
    expiresAtMs: nowMs + HOLD_LIFETIME_MS,
    tokens,
  };
  const held = await ports.ledger.placeHold(hold).catch(async (error: unknown) => {
    await releaseClaim(ports, claim);
    throw error;
  });
  if (!held.ok) {
    await releaseClaim(ports, claim);
    return err(holdRefusal(held.error, { quoteMicro: plan.quoteMicro, tokens }, caller.tenant.suspension));
  }
  const { availableMicro, limits } = held.value;
  return startEngine(ports, {
    caller,
    request,
    requestId,
    plan,
    holdId,
    availableMicro,
    startedAtMs: nowMs,
    ...(limits === undefined ? {} : { limits }),
    ...(network === undefined ? {} : { network }),
    ...(claim === undefined ? {} : { claim }),
  });
}

/** Calls the engine and waits for its first token. Whatever fails before it gives the hold back. */
async function startEngine(
  ports: InferencePorts,
  call: HeldCall,
): Promise<Result<Started, InferenceRefused>> {
  for (let attempt = 1; ; attempt++) {
    const begun = await tryEngine(ports, call);
    if (begun.ok) return ok({ kind: 'running', call: runCall(ports, call, begun.value) });
    const waitedMs = ports.world.clock() - call.startedAtMs;
    if (isWorthRepeating(begun.error) && attempt < MAX_ATTEMPTS && waitedMs <= TRY_AGAIN_WITHIN_MS) continue;
    await giveUpCall(ports, call);
    return err(engineRefusal(begun.error));
  }
}

const isWorthRepeating = (refused: EngineRefused): boolean =>
  refused.code === 'engine_failed' && refused.isFinal !== true;

/** One attempt. What of it is still under way when it has failed is ended, so that no two of them run. */
async function tryEngine(
  ports: InferencePorts,
  call: HeldCall,
): Promise<Result<EngineStream, EngineRefused>> {
  const abort = new AbortController();
  try {
    const begun = await beginStream(ports, call, abort);
    if (!begun.ok) abort.abort();
    return begun;
  } catch (error) {
    abort.abort();
    ports.log.error('the engine failed before the first token', { requestId: call.requestId, error });
    return err(BROKEN);
  }
}

/** What was wrong stands in the log. */
const BROKEN: EngineRefused = { code: 'engine_failed', message: '' };

async function beginStream(
  ports: InferencePorts,
  call: HeldCall,
  abort: AbortController,
): Promise<Result<EngineStream, EngineRefused>> {
  const { version, maxTokens } = call.plan;
  const { requestId } = call;
  const engineCalledAtMs = ports.world.clock();
  const { signal } = abort;
  const body = engineBody(call.request, { maxTokens });
  const generated = await ports.engine.generate(
    engineCall(version, { tenantId: call.caller.tenant.id, body, signal }),
  );
  if (!generated.ok) {
    ports.log.warn('the engine refused a call', { requestId, refusal: generated.error });
    return generated;
  }

  const iterator = generated.value[Symbol.asyncIterator]();
  const opening = await readOpening(iterator);
  if (opening.adapter !== version.adapterId) {
    ports.log.error('another adapter than the routed one answered', {
      requestId,
      routed: version.adapterId,
      answered: opening.adapter,
    });
    return err(BROKEN);
  }
  const began = { adapter: opening.adapter, engineCalledAtMs, firstTokenAtMs: ports.world.clock() };
  return ok({ iterator, tally: opening.tally, shown: opening.shown, began, stop: () => abort.abort() });
}

/** Reads up to and with the first token. Throws when the stream ends or breaks before it. */
async function readOpening(iterator: AsyncIterator<EngineChunk>) {
  const tally = emptyTally();
  for (let chunks = 0; chunks < MAX_SILENT_CHUNKS; chunks++) {
    const item = await iterator.next();
    if (item.done === true) throw new Error('the engine ended its stream without an answer');
    const shown = addChunk(tally, item.value);
    if (hasBegun(tally)) return { tally, shown, adapter: item.value.adapter };
  }
  throw new Error(`the engine sent ${MAX_SILENT_CHUNKS} chunks without a token`);
}

function claimOf(call: InferenceCall, nowMs: number): IdempotencyClaim | undefined {
  if (call.idempotencyKey === undefined) return undefined;
  return {
    tenantId: call.caller.tenant.id,
    key: call.idempotencyKey,
    fingerprint: JSON.stringify(call.request),
    requestId: call.requestId,
    nowMs,
    freedAtMs: nowMs + HOLD_LIFETIME_MS,
  };
}

async function releaseClaim(ports: InferencePorts, claim: IdempotencyClaim | undefined): Promise<void> {
  if (claim === undefined) return;
  await ports.idempotency.release(claim).catch((error: unknown) => {
    ports.log.error('an idempotency key stays claimed until its time is over', {
      requestId: claim.requestId,
      error,
    });
  });
}
