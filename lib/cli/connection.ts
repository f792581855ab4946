import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CliError } from './cliError.ts';

/** Where the API is and what opens its agency routes. */
export type Connection = { readonly baseUrl: string; readonly adminKey: string };

/** The options of the command line that say where to connect; commander names them so. */
export type ConnectionOptions = {
  readonly url?: string | undefined;
  readonly adminKey?: string | undefined;
  readonly data: string;
};

export const DEFAULT_DATA_DIR = '.tunegate';
const CONNECTION_FILE = 'connection.json';
const ConnectionFile = z.object({ baseUrl: z.string(), adminKey: z.string() });

/**
 * Finds the connection: options first, then TUNEGATE_URL and TUNEGATE_ADMIN_KEY, then what `npm start` wrote into
 * its data directory. Throws a CliError that says which of them to give.
 */
export function findConnection(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Connection {
  const baseUrl = options.url ?? env['TUNEGATE_URL'];
  const adminKey = options.adminKey ?? env['TUNEGATE_ADMIN_KEY'];
  if (baseUrl !== undefined && adminKey !== undefined) return { baseUrl: checkUrl(baseUrl), adminKey };
  if (baseUrl !== undefined) {
    throw new CliError('usage', `no admin key for ${baseUrl}`, 'Set TUNEGATE_ADMIN_KEY or give --admin-key.');
  }
  const file = readConnectionFile(options.data);
  return { baseUrl: file.baseUrl, adminKey: adminKey ?? file.adminKey };
}

function readConnectionFile(directory: string): Connection {
  const path = join(directory, CONNECTION_FILE);
  try {
    return z.parse(ConnectionFile, JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new CliError(
      'usage',
      `no connection: ${path} cannot be read`,
      'Start the product with `npm start`, name its data directory with --data, or give --url and --admin-key (TUNEGATE_URL and TUNEGATE_ADMIN_KEY).',
    );
  }
}

function checkUrl(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new CliError('usage', `not an address: ${text}`, 'Give one such as https://api.example.com/v1.');
  }
  return text.replace(/\/+$/, '');
}
