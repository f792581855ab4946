import type { Command } from 'commander';
import { parseDuration } from './duration.ts';
import { type Page, pageOptions, reasonOption } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession, Session } from './session.ts';

type Reason = { readonly reason?: string };

const KEY_COLUMNS: readonly Column[] = [
  { title: 'ID', field: 'id' },
  { title: 'NAME', field: 'name' },
  { title: 'STATE', field: 'state' },
  { title: 'SCOPES', field: 'scopes', as: 'list' },
  { title: 'CREATED (UTC)', field: 'created_at', as: 'time' },
  { title: 'EXPIRES (UTC)', field: 'expires_at', as: 'time' },
];

const NEW_KEY_FIELDS: readonly Column[] = [{ title: 'API KEY', field: 'api_key' }, ...KEY_COLUMNS];
const SHOWN_ONCE = '\nKeep this key now: it is shown only once.';

/** `tunegate keys …` */
export function addKeyCommands(program: Command, open: OpenSession): void {
  const keys = program.command('keys').description("a tenant's API keys");

  pageOptions(keys.command('list').description('list keys, oldest first, without their texts'))
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, { limit, cursor }: Page, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const body = await api.call('GET', `${await tenantPath(tenant)}/keys`, { query: { limit, cursor } });
      print.list(body, KEY_COLUMNS, 'No keys yet. `tunegate keys create <tenant> <name>` makes one.');
    });

  reasonOption(keys.command('create').description('create a key and show it, this once'))
    .argument('<tenant>', 'its id or name')
    .argument('<name>', 'what the key is for')
    .option('--scopes <scopes>', 'what it may do, with commas between (default: everything)')
    .option('--expires <duration>', 'when it ends, such as 90d or 12h (default: never)', parseDuration)
    .action(
      async (
        tenant: string,
        name: string,
        options: Reason & { readonly scopes?: string; readonly expires?: number },
        command: Command,
      ) => {
        const { api, print, tenantPath } = open(command);
        const body = {
          name,
          scopes: options.scopes?.split(',').map((scope) => scope.trim()),
          expires_at:
            options.expires === undefined ? undefined : Math.ceil(Date.now() / 1000) + options.expires,
          reason: options.reason,
        };
        print.record(await api.call('POST', `${await tenantPath(tenant)}/keys`, { body }), NEW_KEY_FIELDS);
        print.say(SHOWN_ONCE);
      },
    );

  reasonOption(keys.command('rotate').description('replace a key; the old one works for a grace period'))
    .argument('<tenant>', 'its id or name')
    .argument('<key>', "the old key's id")
    .option('--grace <duration>', 'how long the old key works on, such as 24h or 0s', parseDuration, 86_400)
    .action(
      async (tenant: string, key: string, options: Reason & { readonly grace: number }, command: Command) => {
        const session = open(command);
        const body = { grace_seconds: options.grace, reason: options.reason };
        const path = `${await keyPath(session, tenant, key)}/rotate`;
        session.print.record(await session.api.call('POST', path, { body }), [
          ...NEW_KEY_FIELDS,
          { title: 'REPLACES', field: 'replaces.id' },
          { title: 'WHICH ENDS (UTC)', field: 'replaces.expires_at', as: 'time' },
        ]);
        session.print.say(SHOWN_ONCE);
      },
    );

  reasonOption(keys.command('revoke').description('stop a key at once, for good'))
    .argument('<tenant>', 'its id or name')
    .argument('<key>', "the key's id")
    .action(async (tenant: string, key: string, { reason }: Reason, command: Command) => {
      const session = open(command);
      const path = await keyPath(session, tenant, key);
      session.print.record(await session.api.call('DELETE', path, { query: { reason } }), KEY_COLUMNS);
    });
}

const keyPath = async ({ tenantPath }: Session, tenant: string, key: string): Promise<string> =>
  `${await tenantPath(tenant)}/keys/${encodeURIComponent(key)}`;
