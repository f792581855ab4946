import type { Command } from 'commander';
import { type ApiClient, makeApiClient } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { type ConnectionOptions, findConnection } from './connection.ts';
import { makePrinter, type Printer, rowsOf } from './print.ts';

/** What the terminal gives to a command. */
export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
};

/** What a command works with: the API, somewhere to print, and tenants by id or name. */
export type Session = {
  readonly api: ApiClient;
  readonly print: Printer;
  /** The path of a tenant's routes. */
  readonly tenantPath: (idOrName: string) => Promise<string>;
};

export type OpenSession = (command: Command) => Session;

/** Opens a session from the options that every command takes. */
export const sessionOpener =
  (terminal: Terminal): OpenSession =>
  (command) => {
    const options = command.optsWithGlobals<ConnectionOptions & { readonly json?: boolean }>();
    const api = makeApiClient(findConnection(options, terminal.env));
    return {
      api,
      print: makePrinter(terminal.write, options.json === true),
      tenantPath: async (idOrName) => `/admin/tenants/${encodeURIComponent(await tenantId(api, idOrName))}`,
    };
  };

const PAGE = '100';
const MAX_PAGES = 100;
const MAX_HINTS = 3;

/** An id as it is, or the id of the one tenant of this name: the whole name, because what follows may be final. */
async function tenantId(api: ApiClient, idOrName: string): Promise<string> {
  if (idOrName.startsWith('ten_')) return idOrName;
  const name = idOrName.toLowerCase();
  const alike = (await allTenants(api)).filter((tenant) => tenant.name.toLowerCase().includes(name));
  const [found, other] = alike.filter((tenant) => tenant.name.toLowerCase() === name);
  if (found === undefined) {
    const names = alike.slice(0, MAX_HINTS).map((tenant) => tenant.name);
    const hint =
      names.length === 0 ? '`tunegate tenants list` shows them.' : `Did you mean ${names.join(' or ')}?`;
    throw new CliError('refused', `there is no tenant named ${idOrName}`, hint);
  }
  if (other !== undefined) {
    throw new CliError(
      'refused',
      `several tenants are named ${idOrName}`,
      `Use an id: ${found.id}, ${other.id}, …`,
    );
  }
  return found.id;
}

async function allTenants(
  api: ApiClient,
): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const tenants: { readonly id: string; readonly name: string }[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = await api.call('GET', '/admin/tenants', { query: { limit: PAGE, cursor } });
    tenants.push(...rowsOf(body).map(({ id, name }) => ({ id: String(id), name: String(name) })));
    if (typeof body['next_cursor'] !== 'string') break;
    cursor = body['next_cursor'];
  }
  return tenants;
}
