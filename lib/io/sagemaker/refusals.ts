import * as z from 'zod/mini';
import type { EngineRefused } from '#core/inference/ports.ts';

/** A copy that starts from zero takes minutes; one that only loads an adapter takes seconds. */
const NO_CAPACITY_RETRY_SECONDS = 60;
const LOADING_RETRY_SECONDS = 10;
const MAX_MESSAGE_LENGTH = 500;

const SdkError = z.object({ name: z.string(), message: z._default(z.string(), '') });
const ModelErrorDetails = z.object({
  OriginalStatusCode: z.optional(z.int()),
  OriginalMessage: z._default(z.string(), ''),
});
const OpenAiError = z.object({
  error: z.object({ message: z.string(), param: z.nullish(z.string()) }),
});
/** Older vLLM answers the error object without the wrapper. */
const BareError = z.object({ object: z.literal('error'), message: z.string(), param: z.nullish(z.string()) });

/** Turns what the SDK throws before the first chunk into a refusal. Read by name: bundles may hold two copies of a class. */
export function refusalOf(error: unknown): EngineRefused {
  const known = z.safeParse(SdkError, error);
  if (!known.success) return { code: 'engine_failed', message: 'the engine could not be called' };
  const { name, message } = known.data;
  if (name === 'ModelError') return modelRefusal(error);
  if (name === 'ModelNotReadyException') return loading(LOADING_RETRY_SECONDS);
  if (name === 'ValidationError' && /capacity/iu.test(message)) return loading(NO_CAPACITY_RETRY_SECONDS);
  if (name === 'ValidationError' && /not\s+InService|loading|not ready|creating/iu.test(message)) {
    return loading(LOADING_RETRY_SECONDS);
  }
  return { code: 'engine_failed', message: `${name}: ${message}` };
}

const loading = (retryAfterSeconds: number): EngineRefused => ({ code: 'model_loading', retryAfterSeconds });

/** The container's own answer: a 400 about the request is the client's to mend, anything else is our failure. */
function modelRefusal(error: unknown): EngineRefused {
  const details = z.safeParse(ModelErrorDetails, error);
  const status = details.data?.OriginalStatusCode ?? 500;
  const original = details.data?.OriginalMessage ?? '';
  if (status !== 400 && status !== 413 && status !== 422) {
    return {
      code: 'engine_failed',
      message: `the container answered ${status}: ${original.slice(0, MAX_MESSAGE_LENGTH)}`,
    };
  }
  const body = openAiError(original);
  return {
    code: 'engine_rejected',
    message:
      body === undefined || !isSafe(body.message)
        ? 'The model cannot answer this request as it is.'
        : body.message,
    param: body?.param ?? null,
  };
}

function openAiError(text: string): { readonly message: string; readonly param: string | null } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const wrapped = z.safeParse(OpenAiError, json);
  const found = wrapped.success ? wrapped.data.error : z.safeParse(BareError, json).data;
  return found === undefined ? undefined : { message: found.message, param: found.param ?? null };
}

/** A message goes to the client only when it speaks of the request, not of the inside of the container. */
const isSafe = (message: string): boolean =>
  message.length > 0 &&
  message.length <= MAX_MESSAGE_LENGTH &&
  !/Traceback|\/opt\/|\/usr\/|arn:|0x[0-9a-f]{6}|\n\s+at /u.test(message);
