import * as z from 'zod/mini';
import { CliError } from './cliError.ts';
import type { Connection } from './connection.ts';

const TIMEOUT_MS = 30_000;

export type Call = {
  readonly body?: Readonly<Record<string, unknown>>;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A JSON object as it came; what is in it is looked at where it is printed. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type ApiClient = {
  readonly baseUrl: string;
  readonly call: (method: string, path: string, call?: Call) => Promise<JsonObject>;
};

const Body = z.record(z.string(), z.unknown());
const ErrorBody = z.object({ error: z.object({ message: z.string(), code: z.nullish(z.string()) }) });

/** Calls the API as the agency. A refusal is thrown as a CliError with the API's own words. */
export function makeApiClient({ baseUrl, adminKey }: Connection, keyName = 'the admin key'): ApiClient {
  return {
    baseUrl,
    call: async (method, path, { body, query, headers } = {}) => {
      const response = await send(`${baseUrl}${path}${queryText(query)}`, {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      const json = parseJson(text);
      if (!response.ok) throw refusal(response, json, keyName);
      const parsed = Body.safeParse(json);
      if (parsed.success) return parsed.data;
      throw new CliError('unreachable', `${baseUrl} answered something that is not the API's`, CHECK_ADDRESS);
    },
  };
}

const CHECK_ADDRESS = 'Check the address: it ends with /v1.';

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      'unreachable',
      `${new URL(url).origin} does not answer: ${why}`,
      'Is it running? `npm start` starts it on this machine.',
    );
  }
}

function refusal(response: Response, json: unknown, keyName: string): CliError {
  const requestId = response.headers.get('x-request-id');
  const hint = requestId === null ? undefined : `The request was ${requestId}.`;
  const parsed = ErrorBody.safeParse(json);
  if (response.status === 401) {
    return new CliError(
      'refused',
      `${keyName} was refused`,
      keyName === 'the admin key'
        ? 'Check TUNEGATE_ADMIN_KEY, --admin-key or the data directory.'
        : 'Check TUNEGATE_API_KEY, --api-key or the data directory.',
    );
  }
  if (parsed.success) return new CliError('refused', parsed.data.error.message, hint);
  return new CliError('refused', `the API answered with status ${response.status}`, hint ?? CHECK_ADDRESS);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryText(query: Call['query'] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, value);
  return given.size === 0 ? '' : `?${given}`;
}
