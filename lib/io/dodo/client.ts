import type DodoPayments from 'dodopayments';
import { SETTINGS } from '#io/definitions/resources.ts';

const TIMEOUT_MS = 8_000;

type Environment = 'live_mode' | 'test_mode';

/** Where Dodo is: one of its own environments, or an address of the agency's choice. */
export type DodoPlace =
  | { readonly baseURL: string; readonly environment?: undefined }
  | { readonly baseURL?: undefined; readonly environment: Environment };

/**
 * Reads where Dodo is from `DODO_PAYMENTS_BASE_URL` or `DODO_ENVIRONMENT` (live_mode, test_mode). Throws unless
 * exactly one of them is set: by itself the SDK would take real money.
 */
export function readDodoPlace(env: Readonly<Record<string, string | undefined>>): DodoPlace {
  const baseURL = env[SETTINGS.dodoBaseUrl] || undefined;
  const environment = env[SETTINGS.dodoEnvironment] || undefined;
  if ((baseURL === undefined) === (environment === undefined)) {
    throw new Error('set either DODO_PAYMENTS_BASE_URL or DODO_ENVIRONMENT, and not both');
  }
  if (baseURL !== undefined) return { baseURL };
  if (environment !== 'live_mode' && environment !== 'test_mode') {
    throw new Error(`DODO_ENVIRONMENT must be live_mode or test_mode, not ${environment}`);
  }
  return { environment };
}

/**
 * The SDK's client for the key that is current. It repeats nothing by itself: it sends no idempotency header, so a
 * repeated call could charge or create twice.
 */
export function makeDodoClient(
  place: DodoPlace,
  readApiKey: () => Promise<string>,
  timeoutMs = TIMEOUT_MS,
): () => Promise<DodoPayments> {
  let current: { readonly apiKey: string; readonly client: DodoPayments } | undefined;
  return async () => {
    const apiKey = await readApiKey();
    if (current?.apiKey !== apiKey) {
      // Loaded when it is first needed: few of the control function's calls go to Dodo.
      const { default: Sdk } = await import('dodopayments');
      const options = { bearerToken: apiKey, maxRetries: 0, timeout: timeoutMs, webhookKey: null };
      current = {
        apiKey,
        client: new Sdk(
          place.baseURL === undefined
            ? { ...options, environment: place.environment, baseURL: null }
            : { ...options, baseURL: place.baseURL },
        ),
      };
    }
    return current.client;
  };
}
