import type { Clock } from '#core/shared/world.ts';

/** Past this age a secret is read again, behind the call that asked for it. */
const FRESH_MS = 60_000;
const TIMEOUT_MS = 3_000;

type Cached = { readonly text: Promise<string>; readonly readAtMs: number };

/**
 * Reads secrets through the AWS Parameters and Secrets extension, which every function has beside it on
 * `localhost`: no SDK client to load, and the extension caches and refreshes. One machine serves the same route.
 * Throws when the secret cannot be read: without it nothing can be authenticated.
 */
export function makeSecretReader(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock = Date.now,
): (secretId: string) => Promise<string> {
  const base = `http://localhost:${env['PARAMETERS_SECRETS_EXTENSION_HTTP_PORT'] ?? '2773'}`;
  /** The few secrets that the function's environment names: nothing ever needs to be forgotten. */
  const cache = new Map<string, Cached>();

  const fetchSecret = async (secretId: string): Promise<string> => {
    const response = await fetch(`${base}/secretsmanager/get?secretId=${encodeURIComponent(secretId)}`, {
      headers: { 'x-aws-parameters-secrets-token': env['AWS_SESSION_TOKEN'] ?? '' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`secret ${secretId} could not be read: status ${response.status}`);
    const body: unknown = await response.json();
    const value =
      typeof body === 'object' && body !== null && 'SecretString' in body ? body.SecretString : undefined;
    if (typeof value !== 'string') throw new Error(`secret ${secretId} holds no text`);
    return value;
  };

  const remember = (secretId: string, text: Promise<string>) =>
    cache.set(secretId, { text, readAtMs: clock() });

  const readFirst = (secretId: string): Promise<string> => {
    const text = fetchSecret(secretId);
    remember(secretId, text);
    text.catch(() => cache.delete(secretId)); // the next caller tries again
    return text;
  };

  const refresh = (secretId: string, known: Cached): void => {
    remember(secretId, known.text); // one refresh at a time, and after a failure not at once again
    const text = fetchSecret(secretId);
    text.then(() => remember(secretId, text)).catch(() => undefined);
  };

  return (secretId) => {
    const known = cache.get(secretId);
    if (known === undefined) return readFirst(secretId);
    if (clock() - known.readAtMs > FRESH_MS) refresh(secretId, known);
    return known.text;
  };
}
