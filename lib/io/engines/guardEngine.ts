import type { Engine, EngineChunk, EngineRequest } from '#core/inference/ports.ts';
import { abandoned, admit, answered, type Breaker, CLOSED, failed } from '#core/routing/breaker.ts';
import { err, ok } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';

/** Only what fails is remembered; more than this at once is an outage of everything. */
const MAX_BREAKERS = 1_000;

/**
 * An engine that is let rest when it fails several times in a row: calls are refused at once meanwhile, with
 * `engine_resting`. Each tenant's versions are watched apart, so that one that breaks a model by what it asks can
 * close no other's way. `onRest` is told when a rest begins.
 */
export function guardEngine(
  engine: Engine,
  { clock, onRest }: { readonly clock: Clock; readonly onRest: (request: EngineRequest) => void },
): Engine {
  const breakers = new Map<string, Breaker>();
  const move = (key: string, next: Breaker): void => {
    breakers.delete(key);
    if (next === CLOSED) return;
    breakers.set(key, next);
    const [oldest] = breakers.keys();
    if (breakers.size > MAX_BREAKERS && oldest !== undefined) breakers.delete(oldest);
  };
  const at = (key: string): Breaker => breakers.get(key) ?? CLOSED;

  const fail = (key: string, request: EngineRequest): void => {
    const before = at(key);
    const next = request.signal.aborted ? abandoned : failed;
    move(key, next(before, clock()));
    if (next === failed && before.state !== 'open' && at(key).state === 'open') onRest(request);
  };

  async function* watched(key: string, request: EngineRequest, chunks: AsyncIterable<EngineChunk>) {
    try {
      yield* chunks;
      move(key, CLOSED);
    } catch (error) {
      fail(key, request);
      throw error;
    }
  }

  return {
    generate: async (request) => {
      const key = keyOf(request);
      const admission = admit(at(key), clock());
      if (!admission.admitted) {
        return err({ code: 'engine_resting', retryAfterSeconds: admission.retryAfterSeconds });
      }
      move(key, admission.breaker);
      const generated = await engine.generate(request).catch((error: unknown) => {
        fail(key, request);
        throw error;
      });
      if (generated.ok) {
        move(key, answered(at(key)));
        return ok(watched(key, request, generated.value));
      }
      if (generated.error.code === 'engine_failed') fail(key, request);
      else move(key, CLOSED); // it answered, if only that it cannot now, or that the request is wrong
      return generated;
    },
  };
}

const keyOf = ({ tenantId, inferenceComponentName, engine }: EngineRequest): string =>
  JSON.stringify([tenantId, inferenceComponentName, engine]);
