import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CliError } from './cliError.ts';
import type { ConnectionOptions } from './connection.ts';

const ConnectionFile = z.object({
  baseUrl: z.string(),
  tenants: z.array(z.object({ apiKey: z.string() })),
});

/**
 * Where the API is and a tenant's key for it: options first, then TUNEGATE_URL and TUNEGATE_API_KEY, then the first
 * demonstration tenant of a product that runs on this machine.
 */
export function findClientConnection(
  options: ConnectionOptions & { readonly apiKey?: string },
  env: Readonly<Record<string, string | undefined>>,
): { readonly baseUrl: string; readonly apiKey: string } {
  const file = readConnectionFile(options.data);
  const url = options.url ?? env['TUNEGATE_URL'];
  const baseUrl = url ?? file?.baseUrl;
  // A key of this machine's product is of no use, and of no business, at another address.
  const apiKey =
    options.apiKey ?? env['TUNEGATE_API_KEY'] ?? (url === undefined ? file?.tenants[0]?.apiKey : undefined);
  if (baseUrl === undefined || apiKey === undefined) {
    throw new CliError(
      'usage',
      'no connection as a tenant',
      'Give --url and --api-key (TUNEGATE_URL and TUNEGATE_API_KEY), or start the product with `npm start`.',
    );
  }
  return { baseUrl: baseUrl.replace(/\/+$/, ''), apiKey };
}

function readConnectionFile(directory: string): z.infer<typeof ConnectionFile> | undefined {
  try {
    return z.parse(ConnectionFile, JSON.parse(readFileSync(join(directory, 'connection.json'), 'utf8')));
  } catch {
    return undefined;
  }
}
