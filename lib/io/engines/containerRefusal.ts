import * as z from 'zod/mini';
import type { EngineRefused } from '#core/inference/ports.ts';

const MAX_MESSAGE_LENGTH = 500;
const BUSY_RETRY_SECONDS = 5;

const OpenAiError = z.object({
  error: z.object({ message: z.string(), param: z.nullish(z.string()) }),
});
/** Older vLLM answers the error object without the wrapper. */
const BareError = z.object({ object: z.literal('error'), message: z.string(), param: z.nullish(z.string()) });

/**
 * A model server's own answer: a 400 about the request is the client's to mend, a 429 passes, anything else is our
 * failure. One of its own making (5xx) may be another the next time.
 */
export function containerRefusal(status: number, original: string): EngineRefused {
  if (status === 429) return { code: 'engine_busy', retryAfterSeconds: BUSY_RETRY_SECONDS };
  if (status !== 400 && status !== 413 && status !== 422) {
    return {
      code: 'engine_failed',
      message: `the container answered ${status}: ${original.slice(0, MAX_MESSAGE_LENGTH)}`,
      ...(status < 500 ? { isFinal: true } : {}),
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
