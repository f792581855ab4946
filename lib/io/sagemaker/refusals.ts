import * as z from 'zod/mini';
import type { EngineRefused } from '#core/inference/ports.ts';
import { containerRefusal } from '#io/engines/containerRefusal.ts';

/** A copy that starts from zero takes minutes; one that only loads an adapter takes seconds. */
const NO_CAPACITY_RETRY_SECONDS = 60;
const LOADING_RETRY_SECONDS = 10;
const THROTTLED_RETRY_SECONDS = 2;

const SdkError = z.object({ name: z.string(), message: z._default(z.string(), '') });
const ModelErrorDetails = z.object({
  OriginalStatusCode: z.optional(z.int()),
  OriginalMessage: z._default(z.string(), ''),
});
/** Turns what the SDK throws before the first chunk into a refusal. Read by name: bundles may hold two copies of a class. */
export function refusalOf(error: unknown): EngineRefused {
  const known = z.safeParse(SdkError, error);
  if (!known.success) return { code: 'engine_failed', message: 'the engine could not be called' };
  const { name, message } = known.data;
  if (name === 'ModelError') {
    const { data } = z.safeParse(ModelErrorDetails, error);
    return containerRefusal(data?.OriginalStatusCode ?? 500, data?.OriginalMessage ?? '');
  }
  if (name === 'ThrottlingException')
    return { code: 'engine_busy', retryAfterSeconds: THROTTLED_RETRY_SECONDS };
  if (name === 'ModelNotReadyException') return loading(LOADING_RETRY_SECONDS);
  if (name === 'ValidationError' && /capacity/iu.test(message)) return loading(NO_CAPACITY_RETRY_SECONDS);
  if (name === 'ValidationError' && /not\s+InService|loading|not ready|creating/iu.test(message)) {
    return loading(LOADING_RETRY_SECONDS);
  }
  return { code: 'engine_failed', message: `${name}: ${message}` };
}

const loading = (retryAfterSeconds: number): EngineRefused => ({ code: 'model_loading', retryAfterSeconds });
