import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { QUEUES } from '#io/definitions/resources.ts';
import { dynoxideBinary, freePort } from '#local/services/dynamodb.ts';
import { queueUrl } from '#local/services/names.ts';
import { runOnce } from '#local/services/runOnce.ts';
import { seedTenants } from '#local/setup/seedTenants.ts';
import { CannotStart } from './cannotStart.ts';
import { type Connection, readConnection, writeConnection } from './connection.ts';
import { clearDataDirectory, type DataDirectory, openDataDirectory } from './dataDirectory.ts';
import { type Addresses, baseEnvironment, functionEnvironment } from './environment.ts';
import type { StartOptions } from './options.ts';
import { awsExportIn, type DataPaths } from './paths.ts';
import { type LocalSecrets, openSecrets, secretValues } from './secrets.ts';
import { makeServiceGroup, type ServiceGroup } from './serviceGroup.ts';
import { endStaleProcesses } from './staleProcesses.ts';
import { writePrivate } from './writePrivate.ts';

/** The functions' host drains its requests first; the rest holds their data. Together below the promised 5 s. */
const HOST_STOPS_WITHIN_MS = 2_500;
const OTHERS_STOP_WITHIN_MS = 1_500;

export type StartEvents = {
  readonly onStarted: (name: string, url: string, tookMs: number) => void;
  readonly onLine: (name: string, line: string) => void;
  readonly onLost: (name: string) => void;
};

export type Running = {
  readonly connection: Connection;
  readonly processes: () => Readonly<Record<string, number>>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts the whole product on one machine and answers when it serves. Throws `CannotStart`, or a system's error, with
 * everything ended again that it had started.
 */
export async function start(
  options: StartOptions,
  events: StartEvents,
  signal: AbortSignal,
): Promise<Running> {
  checkMachine();
  const directory = openDataDirectory(options.dataDir);
  const { paths } = directory;
  let group: ServiceGroup | undefined;
  const stop = async (): Promise<void> => {
    await group?.stop({ withinMs: HOST_STOPS_WITHIN_MS, only: 'host' });
    await group?.stop({ withinMs: OTHERS_STOP_WITHIN_MS });
    rmSync(paths.run, { force: true });
    directory.release();
  };
  // Once it runs, an end is orderly: the functions first, then what they write to.
  const starting = new AbortController();
  const abort = (): void => starting.abort(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    const port = await choosePort(options.port);
    await endStaleProcesses(paths.run, options.dataDir);
    if (options.fresh) clearDataDirectory(paths);
    const secrets = openSecrets(paths.secrets);
    const env = baseEnvironment(process.env, secrets.awsSecretAccessKey);
    group = makeServiceGroup({ ...events, logs: paths.logs, env, signal: starting.signal });
    const connection = await startAll({
      port,
      directory,
      secrets,
      env,
      group,
      trainer: options.trainer,
      signal: starting.signal,
    });
    return { connection, processes: group.processes, stop };
  } catch (error) {
    starting.abort(error); // what was still on its way up when another part failed
    await stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

type Starting = {
  readonly port: number;
  readonly directory: DataDirectory;
  readonly secrets: LocalSecrets;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly group: ServiceGroup;
  readonly trainer: StartOptions['trainer'];
  readonly signal: AbortSignal;
};

async function startAll(starting: Starting): Promise<Connection> {
  const { port, directory, secrets, env, group, trainer, signal } = starting;
  const { paths } = directory;
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const addresses = await startServices({ paths, baseUrl, secrets, group, trainer });
  signal.throwIfAborted();
  const record = () => writeRun(paths, addresses, group);
  record();
  const functionEnv = {
    ...env,
    ...functionEnvironment(addresses, {
      topUpUrl: `${baseUrl}/top-up`,
      awsExport: awsExportIn(paths),
    }),
  };
  writePrivate(paths.functionSecrets, JSON.stringify(secretValues(secrets)));
  await Promise.all([
    runOnce({ name: 'setup', env: functionEnv, signal }),
    group.startOwn(
      'host',
      ['--port', String(port), '--secrets', paths.functionSecrets, '--mail', paths.mail],
      functionEnv,
    ),
  ]);
  signal.throwIfAborted();
  record();
  const known = readConnection(paths.connection)?.tenants ?? [];
  const tenants = await seedTenants({ baseUrl, adminKey: secrets.adminKey, known });
  signal.throwIfAborted();
  const { adminKey, webhookKey } = secrets;
  const connection = { baseUrl, adminKey, webhookKey, dodoUrl: addresses.dodo, tenants: [...tenants] };
  writeConnection(paths.connection, connection);
  return connection;
}

async function startServices(options: {
  readonly paths: DataPaths;
  readonly baseUrl: string;
  readonly secrets: LocalSecrets;
  readonly group: ServiceGroup;
  readonly trainer: StartOptions['trainer'];
}): Promise<Addresses> {
  const { paths, baseUrl, secrets, group } = options;
  const external = process.env['TUNEGATE_DYNAMODB_ENDPOINT'];
  const dodoKeys = {
    DODO_PAYMENTS_WEBHOOK_KEY: secrets.webhookKey,
    DODO_PAYMENTS_API_KEY: secrets.dodoApiKey,
  };
  const webhook = ['--webhook-url', `${baseUrl}/webhooks/dodo`];
  const startedAws = group.startOwn('aws', ['--data', paths.aws], {});
  const [dynamodb, aws, sagemaker, dodo] = await Promise.all([
    external ?? group.startDynamoDb(paths.dynamodb),
    startedAws,
    // It fetches data and adapters from S3 and puts adapters there, and tells of its jobs.
    startedAws.then((url) =>
      group.startOwn('sagemaker', ['--data', paths.sagemaker, ...trainerArguments(options.trainer)], {
        AWS_ENDPOINT_URL_S3: url,
        AWS_ENDPOINT_URL_SQS: url,
        [QUEUES.trainingEvents.env]: queueUrl(url, QUEUES.trainingEvents.name),
      }),
    ),
    group.startOwn('dodo', ['--data', paths.dodo, ...webhook], dodoKeys),
  ]);
  return { baseUrl, dynamodb, aws, sagemaker, dodo };
}

const trainerArguments = ({ kind, python }: StartOptions['trainer']): readonly string[] => [
  '--trainer',
  kind,
  '--python',
  python,
];

function writeRun(paths: DataPaths, addresses: Addresses, group: ServiceGroup): void {
  const run = {
    pid: process.pid,
    processes: group.processes(),
    baseUrl: addresses.baseUrl,
    dynamodbUrl: addresses.dynamodb,
    awsUrl: addresses.aws,
    sagemakerUrl: addresses.sagemaker,
    dodoUrl: addresses.dodo,
  };
  writePrivate(paths.run, `${JSON.stringify(run, null, 2)}\n`);
}

/** What a machine must have, told before anything is begun. */
function checkMachine(): void {
  if (process.env['TUNEGATE_DYNAMODB_ENDPOINT'] !== undefined) return;
  const binary = dynoxideBinary();
  if (binary === undefined || !existsSync(binary)) {
    throw new CannotStart(
      'the DynamoDB server dynoxide is not installed: run npm install on Linux x64, or set TUNEGATE_DYNAMODB_ENDPOINT to another DynamoDB',
    );
  }
}

/** The port to serve on: the one that was asked for, if it is free. */
async function choosePort(wanted: number): Promise<number> {
  if (wanted === 0) return freePort();
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
      reject(new CannotStart(`port ${wanted} ${why}: choose another with --port N (0: any free one)`));
    });
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)));
  });
}
