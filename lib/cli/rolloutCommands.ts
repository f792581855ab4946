import { type Command, InvalidArgumentError, Option } from 'commander';
import type { JsonObject } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { type Page, pageOptions, reasonOption } from './options.ts';
import { type Column, isObject } from './print.ts';
import type { OpenSession, Session } from './session.ts';

type Change = { readonly reason?: string; readonly revision?: number };
type Version = {
  readonly adapter?: string;
  readonly baseModel?: string;
  readonly component?: string;
  readonly sharedEndpoint?: boolean;
  readonly endpoint?: string;
  readonly engineUrl?: string;
  readonly engineModel?: string;
  readonly engineSecret?: string;
  readonly engineTimeout?: number;
};

const BARE = 'none';

const ROLLOUT_FIELDS: readonly Column[] = [
  { title: 'MODEL', field: 'id' },
  { title: 'REVISION', field: 'revision' },
  { title: 'STABLE', field: 'stable.version' },
  { title: 'ENDPOINT', field: 'stable.engine.endpoint' },
  { title: 'SERVER', field: 'stable.engine.url' },
  { title: 'CANARY', field: 'canary.version' },
  { title: 'CANARY PERCENT', field: 'canary.percent' },
  { title: 'SHADOW', field: 'shadow.version' },
  { title: 'SHADOW PERCENT', field: 'shadow.percent' },
];

const VERSION_COLUMNS: readonly Column[] = [
  { title: 'VERSION', field: 'version' },
  { title: 'AS', field: 'served_by' },
  { title: 'CALLS', field: 'calls', align: 'right' },
  { title: 'FAILED', field: 'failed_calls', align: 'right' },
  { title: 'TOKENS OUT', field: 'output_tokens', align: 'right' },
  { title: 'FIRST TOKEN (MS)', field: 'mean_first_token_ms', align: 'right' },
  { title: 'WHOLE (MS)', field: 'mean_compute_ms', align: 'right' },
  { title: 'SAME ANSWER', field: 'same_answers', align: 'right' },
];

const HISTORY_COLUMNS: readonly Column[] = [
  { title: 'REVISION', field: 'revision', align: 'right' },
  { title: 'WHEN (UTC)', field: 'created_at', as: 'time' },
  { title: 'CHANGE', field: 'action' },
  { title: 'STABLE', field: 'stable.version' },
  { title: 'CANARY', field: 'canary.version' },
  { title: '%', field: 'canary.percent', align: 'right' },
  { title: 'SHADOW', field: 'shadow.version' },
  { title: '%', field: 'shadow.percent', align: 'right' },
  { title: 'WHO', field: 'actor' },
  { title: 'WHY', field: 'reason' },
];

/** `tunegate rollout …` */
export function addRolloutCommands(program: Command, open: OpenSession): void {
  const rollout = program.command('rollout').description('which version answers a model, in which shares');
  const model = (command: Command) =>
    command.argument('<tenant>', 'its id or name').argument('<model>', 'the model name');

  pageOptions(
    model(rollout.command('show').description('show what answers a model, and what changed')),
  ).action(async (tenant: string, alias: string, { limit, cursor }: Page, command: Command) => {
    const session = open(command);
    const path = await rolloutPath(session, tenant, alias);
    const body = await session.api.call('GET', path, { query: { limit, cursor } });
    session.print.record(body, ROLLOUT_FIELDS);
    session.print.say('\nCalls of the last seven days, while versions were compared:');
    session.print.part({ data: body['versions'] }, VERSION_COLUMNS, 'None.');
    session.print.say('');
    if (isObject(body['history'])) session.print.part(body['history'], HISTORY_COLUMNS, 'Never changed.');
  });

  versionOptions(
    changeOptions(model(rollout.command('promote').description('let a version answer all calls'))),
  )
    .addHelpText('after', '\nWithout a version, the canary is promoted.')
    .action(async (tenant: string, alias: string, options: Version & Change, command: Command) => {
      await change(
        open(command),
        { tenant, alias, act: 'promote' },
        { ...versionOf(options), ...changeOf(options) },
      );
    });

  for (const [name, what] of [
    ['canary', 'let a version answer a share of the users'],
    ['shadow', 'send a version a copy of a share of the calls, which nobody pays'],
  ] as const) {
    versionOptions(
      changeOptions(
        model(rollout.command(name).description(what)).argument('<percent>', '0 ends it', parsePercent),
      ),
    )
      .addHelpText('after', `\nWithout a version, the share of the present ${name} changes.`)
      .action(
        async (
          tenant: string,
          alias: string,
          percent: number,
          options: Version & Change,
          command: Command,
        ) => {
          const body = { percent, ...versionOf(options), ...changeOf(options) };
          await change(open(command), { tenant, alias, act: name }, body);
        },
      );
  }

  changeOptions(
    model(rollout.command('rollback').description('end the canary, else go back to the version before')),
  ).action(async (tenant: string, alias: string, options: Change, command: Command) => {
    await change(open(command), { tenant, alias, act: 'rollback' }, changeOf(options));
  });
}

const changeOptions = (command: Command): Command =>
  reasonOption(command).option(
    '--revision <n>',
    'the revision that this change is made for; refused when another came first',
    parseWhole,
  );

const versionOptions = (command: Command): Command =>
  command
    .option('--adapter <id>', `the adapter of the version; "${BARE}" for the bare base model`)
    .option('--base-model <id>', 'its base model (default: as now)')
    .option('--component <name>', "SageMaker's inference component (default: derived from the adapter)")
    .addOption(
      new Option('--endpoint <name>', 'a SageMaker endpoint of its own').conflicts([
        'sharedEndpoint',
        'engineUrl',
      ]),
    )
    .addOption(
      new Option('--shared-endpoint', 'the SageMaker endpoint that all tenants share').conflicts('engineUrl'),
    )
    .option('--engine-url <url>', 'an OpenAI-compatible server, such as https://gpu.example.com/v1')
    .option('--engine-model <name>', 'what that server calls the model')
    .option('--engine-secret <name>', 'the secret that it wants as a bearer token')
    .option('--engine-timeout <seconds>', 'how long it may be silent', parseWhole);

const versionOf = (options: Version) => ({
  adapter_id: options.adapter === BARE ? null : options.adapter,
  base_model: options.baseModel,
  inference_component_name: options.component,
  engine: engineOf(options),
});

function engineOf(options: Version) {
  const { engineUrl, engineModel, engineSecret, engineTimeout } = options;
  if (engineUrl === undefined && (engineModel ?? engineSecret ?? engineTimeout) !== undefined)
    throw new CliError('usage', '--engine-model, --engine-secret and --engine-timeout need --engine-url');
  if (options.sharedEndpoint === true) return null;
  if (options.endpoint !== undefined) return { kind: 'sagemaker', endpoint: options.endpoint };
  if (engineUrl === undefined) return undefined;
  return {
    kind: 'openai',
    url: engineUrl,
    model: engineModel,
    secret: engineSecret,
    timeout_seconds: engineTimeout,
  };
}

const changeOf = ({ reason, revision }: Change) => ({ reason, revision });

type Place = { readonly tenant: string; readonly alias: string; readonly act: string };

async function change(session: Session, { tenant, alias, act }: Place, body: JsonObject): Promise<void> {
  const path = `${await rolloutPath(session, tenant, alias)}/${act}`;
  session.print.record(await session.api.call('POST', path, { body }), ROLLOUT_FIELDS);
}

const rolloutPath = async ({ tenantPath }: Session, tenant: string, alias: string): Promise<string> =>
  `${await tenantPath(tenant)}/models/${encodeURIComponent(alias)}/rollout`;

function parseWhole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function parsePercent(text: string): number {
  const percent = parseWhole(text);
  if (percent <= 100) return percent;
  throw new InvalidArgumentError('It must be a whole number from 0 to 100.');
}
