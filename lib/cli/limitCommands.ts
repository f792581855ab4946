import type { Command } from 'commander';
import { CliError } from './cliError.ts';
import { parseDuration } from './duration.ts';
import { reasonOption } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession, Session } from './session.ts';

const LIMITS: readonly Column[] = [
  { title: 'REQUESTS/MIN', field: 'requests_per_minute' },
  { title: 'TOKENS/MIN', field: 'tokens_per_minute' },
  { title: 'CALLS AT ONCE', field: 'concurrent_calls' },
  { title: 'CREDITS/DAY', field: 'credits_per_day' },
  { title: 'CREDITS/MONTH', field: 'credits_per_month' },
];

const FIELDS: readonly Column[] = [
  { title: 'TENANT', field: 'tenant' },
  { title: 'KEY', field: 'key' },
  ...LIMITS,
  { title: 'TIME ZONE', field: 'time_zone' },
  { title: 'USED: REQUESTS', field: 'used.requests' },
  { title: 'USED: TOKENS', field: 'used.tokens' },
  { title: 'USED: CALLS', field: 'used.concurrent_calls' },
  { title: 'SPENT TODAY', field: 'used.credits_today' },
  { title: 'SPENT THIS MONTH', field: 'used.credits_this_month' },
  { title: 'UNUSUAL USE SLOWS TO', field: 'on_unusual_use.requests_per_minute' },
  { title: 'SLOWED TO', field: 'slowed.requests_per_minute' },
];

const KEYS: readonly Column[] = [
  { title: 'KEY', field: 'key' },
  ...LIMITS,
  { title: 'SLOWED TO', field: 'slowed.requests_per_minute' },
];

type Where = { readonly key?: string };
type Wanted = Where & {
  readonly requests?: string;
  readonly tokens?: string;
  readonly calls?: string;
  readonly day?: string;
  readonly month?: string;
  readonly slowTo?: string;
  readonly slowFor?: number;
  readonly reason?: string;
};

const NO_LIMIT = 'none';

/** `tunegate limits …` */
export function addLimitCommands(program: Command, open: OpenSession): void {
  const limits = program.command('limits').description('what a tenant, or one of its keys, may use');

  addUnusual(limits, open);
  limits
    .command('show')
    .description('show limits, and what counts against them now')
    .argument('<tenant>', 'its id or name')
    .option('--key <key>', "a key's id: its own limits")
    .action(async (tenant: string, { key }: Where, command: Command) => {
      const session = open(command);
      const body = await session.api.call('GET', await limitsPath(session, tenant, key));
      session.print.record(body, FIELDS);
      if (key === undefined) {
        session.print.say('');
        session.print.part({ data: body['keys'] }, KEYS, 'No key has limits of its own.');
      }
    });

  reasonOption(limits.command('set').description('change some limits; those that are not named stay'))
    .argument('<tenant>', 'its id or name')
    .option('--key <key>', "a key's id: its own limits")
    .option('--requests <count>', `requests a minute, or ${NO_LIMIT}`)
    .option('--tokens <count>', `tokens a minute, or ${NO_LIMIT}`)
    .option('--calls <count>', `calls at once, or ${NO_LIMIT}`)
    .option('--day <credits>', `credits a day, or ${NO_LIMIT}`)
    .option('--month <credits>', `credits a month, or ${NO_LIMIT}`)
    .option(
      '--slow-to <count>',
      `requests a minute of a key that is used in an unusual way, or ${NO_LIMIT}: only tell`,
    )
    .option('--slow-for <duration>', 'and for how long, such as 1h', parseDuration)
    .action(async (tenant: string, wanted: Wanted, command: Command) => {
      const session = open(command);
      const path = await limitsPath(session, tenant, wanted.key);
      const before = await session.api.call('GET', path);
      const body = {
        requests_per_minute: countOr(wanted.requests, before['requests_per_minute']),
        tokens_per_minute: countOr(wanted.tokens, before['tokens_per_minute']),
        concurrent_calls: countOr(wanted.calls, before['concurrent_calls']),
        credits_per_day: textOr(wanted.day, before['credits_per_day']),
        credits_per_month: textOr(wanted.month, before['credits_per_month']),
        on_unusual_use: slowdown(wanted),
        reason: wanted.reason,
      };
      session.print.record(await session.api.call('PUT', path, { body }), FIELDS);
    });
}

const WATCH: readonly Column[] = [
  { title: 'JUMP FROM CALLS A DAY', field: 'unusual_use.jump.calls' },
  { title: 'JUMP FROM TIMES THE BUSIEST DAY', field: 'unusual_use.jump.times' },
  { title: 'SCRAPING FROM CALLS AN HOUR', field: 'unusual_use.scraping.calls' },
  { title: 'NETWORKS AN HOUR', field: 'unusual_use.many_networks.networks' },
  { title: 'NETWORKS FROM TIMES ANY HOUR', field: 'unusual_use.many_networks.times' },
];

type Unusual = {
  readonly jump?: string;
  readonly jumpTimes?: string;
  readonly scraping?: string;
  readonly networks?: string;
  readonly networkTimes?: string;
  readonly reason?: string;
};

/** Each kind that is named is set anew: what is left out of it is as it is by itself. */
const unusualUse = ({ jump, jumpTimes, scraping, networks, networkTimes }: Unusual) => ({
  ...(jump === undefined && jumpTimes === undefined
    ? {}
    : {
        jump:
          jump === NO_LIMIT
            ? null
            : { calls: countOr(jump, undefined), times: countOr(jumpTimes, undefined) },
      }),
  ...(scraping === undefined
    ? {}
    : { scraping: scraping === NO_LIMIT ? null : { calls: countOr(scraping, undefined) } }),
  ...(networks === undefined && networkTimes === undefined
    ? {}
    : {
        many_networks:
          networks === NO_LIMIT
            ? null
            : { networks: countOr(networks, undefined), times: countOr(networkTimes, undefined) },
      }),
});

function addUnusual(limits: Command, open: OpenSession): void {
  reasonOption(
    limits
      .command('unusual')
      .description(
        'show, or change, from when on the use of a key is unusual and told to you and the client',
      ),
  )
    .argument('<tenant>', 'its id or name')
    .option('--jump <calls>', `calls of a day that may be a jump, or ${NO_LIMIT}: do not look for it`)
    .option('--jump-times <times>', 'and how many times the busiest day of two weeks')
    .option('--scraping <calls>', `calls of an hour, as even as a clock, or ${NO_LIMIT}`)
    .option('--networks <count>', `networks in an hour, or ${NO_LIMIT}`)
    .option('--network-times <times>', 'and how many times those of any other hour of a day')
    .action(async (tenant: string, { reason, ...wanted }: Unusual, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const path = await tenantPath(tenant);
      const unusual_use = unusualUse(wanted);
      const body =
        Object.keys(unusual_use).length === 0
          ? await api.call('GET', path)
          : await api.call('PATCH', path, { body: { unusual_use, reason } });
      print.record(body, WATCH);
    });
}

const DEFAULT_SLOW_SECONDS = 3_600;

function slowdown({ slowTo, slowFor = DEFAULT_SLOW_SECONDS }: Wanted) {
  if (slowTo === undefined) return undefined;
  if (slowTo === NO_LIMIT) return null;
  return { requests_per_minute: countOr(slowTo, null), minutes: Math.ceil(slowFor / 60) };
}

function countOr(text: string | undefined, before: unknown): unknown {
  if (text === undefined) return before;
  if (text === NO_LIMIT) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliError('usage', `${text} is not a number`, `Give a whole number, or ${NO_LIMIT}.`);
}

function textOr(text: string | undefined, before: unknown): unknown {
  if (text === undefined) return before;
  return text === NO_LIMIT ? null : text;
}

async function limitsPath({ tenantPath }: Session, tenant: string, key: string | undefined): Promise<string> {
  const path = await tenantPath(tenant);
  return key === undefined ? `${path}/limits` : `${path}/keys/${encodeURIComponent(key)}/limits`;
}
