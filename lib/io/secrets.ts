import QuickLRU from 'quick-lru';

const CACHE_MS = 60_000;
const TIMEOUT_MS = 3_000;

/**
 * Reads secrets through the AWS Parameters and Secrets extension, which every function has beside it on
 * `localhost`: no SDK client to load, and the extension caches and refreshes. One machine serves the same route.
 * Throws when the secret cannot be read: without it nothing can be authenticated.
 */
export function makeSecretReader(
  env: Readonly<Record<string, string | undefined>>,
): (secretId: string) => Promise<string> {
  const base = `http://localhost:${env['PARAMETERS_SECRETS_EXTENSION_HTTP_PORT'] ?? '2773'}`;
  const cache = new QuickLRU<string, Promise<string>>({ maxSize: 16, maxAge: CACHE_MS });

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

  return (secretId) => {
    const cached = cache.get(secretId);
    if (cached !== undefined) return cached;
    const pending = fetchSecret(secretId);
    cache.set(secretId, pending);
    pending.catch(() => cache.delete(secretId)); // the next caller tries again
    return pending;
  };
}
