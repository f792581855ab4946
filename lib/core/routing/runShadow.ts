import type { Engine, EngineChunk } from '#core/inference/ports.ts';
import { addChunk, answerHash, emptyTally, hasBegun, isComplete, type Tally } from '#core/inference/tally.ts';
import { dayAt } from '#core/metering/periods.ts';
import type { Clock } from '#core/shared/world.ts';
import { sameVersion } from './applyChange.ts';
import { versionName } from './chooseVersion.ts';
import { engineCall } from './engineCall.ts';
import { parseShadowCall } from './parseShadowCall.ts';
import type { RolloutStore, VersionBook } from './ports.ts';
import type { CountedVersion, ShadowCall } from './types.ts';

export type RunShadowDeps = {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly rollouts: Pick<RolloutStore, 'readModel'>;
  readonly versions: Pick<VersionBook, 'addShadow'>;
  /** Aborts an answer that takes longer than there is time for: it has failed then, and is counted so. */
  readonly patience: () => AbortSignal;
};

/** `over`: the rollout has no such shadow any more, and nothing was asked. */
export type ShadowOutcome =
  | { readonly outcome: 'unreadable' | 'over' | 'answered' }
  | { readonly outcome: 'failed'; readonly cause: unknown };

/**
 * Puts a copy of a call to its shadow, and counts what became of it. The answer is thrown away, and nothing is held
 * or charged: this has no ledger to do it with. Throws only when the tables cannot be reached.
 */
export async function runShadow(deps: RunShadowDeps, message: string): Promise<ShadowOutcome> {
  const call = parseShadowCall(message);
  if (call === undefined) return { outcome: 'unreadable' };
  const model = await deps.rollouts.readModel(call.tenantId, call.alias);
  const shadow = model?.rollout?.shadow;
  if (shadow === undefined || !sameVersion(shadow.version, call.version)) return { outcome: 'over' };
  const startedAtMs = deps.clock();
  const answer = await collect(deps, call, startedAtMs);
  await deps.versions.addShadow(call, counted(call, answer, { startedAtMs, endedAtMs: deps.clock() }));
  return answer.whole ? { outcome: 'answered' } : { outcome: 'failed', cause: answer.cause };
}

type Answer = {
  readonly tally: Tally;
  readonly firstTokenMs: number | null;
  readonly whole: boolean;
  readonly cause?: unknown;
};

async function collect(
  { engine, clock, patience }: RunShadowDeps,
  call: ShadowCall,
  startedAtMs: number,
): Promise<Answer> {
  const tally = emptyTally();
  let firstTokenMs: number | null = null;
  const take = (chunk: EngineChunk): void => {
    addChunk(tally, chunk);
    if (firstTokenMs === null && hasBegun(tally)) firstTokenMs = clock() - startedAtMs;
  };
  try {
    const generated = await engine.generate(engineCall(call.version, { ...call, signal: patience() }));
    if (!generated.ok) return { tally, firstTokenMs, whole: false, cause: generated.error };
    for await (const chunk of generated.value) take(chunk);
    return { tally, firstTokenMs, whole: isComplete(tally, call.choices) };
  } catch (cause) {
    return { tally, firstTokenMs, whole: false, cause };
  }
}

const counted = (
  call: ShadowCall,
  { tally, firstTokenMs, whole }: Answer,
  { startedAtMs, endedAtMs }: { readonly startedAtMs: number; readonly endedAtMs: number },
): CountedVersion => ({
  day: dayAt(startedAtMs),
  version: versionName(call.version),
  servedBy: 'shadow',
  calls: 1,
  failedCalls: whole ? 0 : 1,
  inputTokens: tally.usage?.promptTokens ?? 0,
  outputTokens: tally.usage?.completionTokens ?? tally.deltas,
  computeMs: endedAtMs - startedAtMs,
  firstTokens: firstTokenMs === null ? 0 : 1,
  firstTokenMs: firstTokenMs ?? 0,
  sameAnswers: whole && answerHash(tally) === call.answerHash ? 1 : 0,
});
