import type { LimitStatus } from '#core/limits/types.ts';
import type { UsageStatus } from '#core/metering/types.ts';
import { giveUpCall } from './giveUpCall.ts';
import {
  type Beginning,
  completionOf,
  freeUsageOf,
  type HeldCall,
  measureTokens,
  usageOf,
} from './measureCall.ts';
import type { EngineChunk, InferencePorts } from './ports.ts';
import { sendShadow } from './sendShadow.ts';
import { sendUsage } from './sendUsage.ts';
import { addChunk, isComplete, type Tally } from './tally.ts';
import type { Completion, Delta, InferenceEvent } from './types.ts';

/** A call whose first token is there. Whoever holds it must call `next` to its end, or `leave`. */
export type RunningCall = {
  readonly id: string;
  readonly createdSec: number;
  /** What the engine says answers. */
  readonly adapter: string | null;
  /** Where the caller's limits stand; undefined where there are none. */
  readonly limits: LimitStatus | undefined;
  /** The next event; undefined after the last. */
  readonly next: () => Promise<InferenceEvent | undefined>;
  /**
   * The client has gone. The engine is stopped and the call is charged for what was generated. A call with an
   * idempotency key runs on instead, because its client will come back for the whole answer.
   */
  readonly leave: () => void;
  /** Settles when nothing of the call is left to do: its usage is durable (or logged), its answer remembered. */
  readonly ended: Promise<void>;
};

/** The engine's answer after its first token. */
export type EngineStream = {
  readonly iterator: AsyncIterator<EngineChunk>;
  readonly tally: Tally;
  readonly shown: readonly { readonly index: number; readonly delta: Delta }[];
  readonly began: Beginning;
  readonly stop: () => void;
};

/** Runs a call from its first token to its end, and charges it once, whichever way it ends. */
export function runCall(ports: InferencePorts, call: HeldCall, stream: EngineStream): RunningCall {
  const { iterator, tally } = stream;
  const id = completionId(call);
  const queue: InferenceEvent[] = stream.shown.map((shown) => ({ kind: 'delta', ...shown }));
  const settled = Promise.withResolvers<void>();
  let ending: Promise<Completion> | undefined;

  const end = (status: UsageStatus): Promise<Completion> => {
    if (ending !== undefined) return ending;
    const concluded = conclude(ports, call, { stream, id, status });
    concluded.then(({ done }) => done).then(() => settled.resolve(), settled.reject);
    ending = concluded.then(({ completion }) => completion);
    return ending;
  };

  const advance = async (): Promise<void> => {
    const item = await iterator.next().catch((error: unknown) => ({ error }));
    if (ending !== undefined) return; // the client left meanwhile: the call is charged already
    if ('error' in item || item.done === true) {
      const whole = !('error' in item) && isComplete(tally, call.request.choices);
      if (!whole) ports.log.error('the engine broke in mid-stream', { requestId: call.requestId, ...item });
      const completion = await end(whole ? 'succeeded' : 'engine_failed');
      queue.push({ kind: whole ? 'finished' : 'broken', completion });
      return;
    }
    for (const shown of addChunk(tally, item.value)) queue.push({ kind: 'delta', ...shown });
  };

  const next = async (): Promise<InferenceEvent | undefined> => {
    // Ends with the engine's stream, which the engine's own time limit bounds.
    while (queue.length === 0 && ending === undefined) await advance();
    return queue.shift();
  };

  const leave = (): void => {
    if (ending !== undefined) return;
    if (call.claim !== undefined) return void runOut(next).catch(settled.reject);
    void end('client_closed').catch(() => {});
    stream.stop();
    iterator.return?.().catch(() => {}); // it was told to stop; how it takes it changes nothing
  };

  settled.promise.catch(() => {}); // seen by whoever awaits `ended`; never an unhandled rejection
  return {
    id,
    createdSec: Math.floor(call.startedAtMs / 1_000),
    adapter: stream.began.adapter,
    limits: call.limits,
    next,
    leave,
    ended: settled.promise,
  };
}

async function runOut(next: RunningCall['next']): Promise<void> {
  while ((await next()) !== undefined);
}

/** `done` settles when the usage is durable; the completion comes earlier, so that the last bytes need not wait. */
async function conclude(
  ports: InferencePorts,
  call: HeldCall,
  {
    stream,
    id,
    status,
  }: { readonly stream: EngineStream; readonly id: string; readonly status: UsageStatus },
): Promise<{ readonly completion: Completion; readonly done: Promise<unknown> }> {
  const { tally, began } = stream;
  if (status === 'engine_failed' && !call.request.stream) {
    // Nothing of a plain answer was delivered, so it costs nothing.
    const event = freeUsageOf(ports.world, call);
    return { completion: completionOf(call, { event, tally, id }), done: giveUpCall(ports, call) };
  }
  const usage = await measureTokens(ports, call, tally, status);
  const event = usageOf(ports.world, call, { began, status, usage });
  const completion = completionOf(call, { event, tally, id });
  const left = [sendUsage(ports, event), tellEnd(ports, call)];
  if (status === 'succeeded') left.push(sendShadow(ports, call, tally));
  // A repeat that comes right after the last byte must find the answer, so this one write is waited for.
  await remember(ports, call, completion);
  return { completion, done: Promise.all(left) };
}

/** Where running calls are limited, the next may begin before this one is settled. */
async function tellEnd({ ledger, log }: InferencePorts, call: HeldCall): Promise<void> {
  if (call.limits?.countsCalls !== true) return;
  await ledger.endCall(call.caller.tenant.id, call.holdId).catch((error: unknown) => {
    log.warn('a call counts as running until it is settled', { requestId: call.requestId, error });
  });
}

async function remember(ports: InferencePorts, call: HeldCall, completion: Completion): Promise<void> {
  if (call.claim === undefined) return;
  const { requestId } = call;
  try {
    const outcome = await ports.idempotency.remember(call.claim, completion);
    if (outcome !== 'remembered')
      ports.log.warn('an answer is not kept for its repeat', { requestId, outcome });
  } catch (error) {
    ports.log.error('an answer could not be kept for its repeat', { requestId, error });
  }
}

const completionId = ({ requestId, request }: HeldCall): string =>
  `${request.operation === 'chat.completion' ? 'chatcmpl' : 'cmpl'}-${requestId.slice(requestId.indexOf('_') + 1)}`;
