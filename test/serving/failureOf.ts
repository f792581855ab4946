import { APIError } from 'openai';

/** How a call of the OpenAI SDK was refused. Throws where it was not. */
export async function failureOf(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no refusal: ${String(error)}`);
  return { status: error.status, code: error.code, retryAfter: error.headers?.get('retry-after') };
}
