import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdapterId, type GrantId, type KeyId, parseId, type TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { addModel } from '#core/tenants/addModel.ts';
import { issueKey } from '#core/tenants/issueKey.ts';
import { openTenant } from '#core/tenants/openTenant.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeDynamoDb } from '#io/wire/clients.ts';
import { systemWorld } from '#io/world.ts';
import { installAwsLambdaGlobal } from '#local/host/lambdaStream.ts';
import { makeSecretsServer } from '#local/host/secretsServer.ts';
import { resourceName } from '#local/services/names.ts';
import { runOnce } from '#local/services/runOnce.ts';
import { DEMO_BASE_MODEL } from '#local/setup/demo.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';
import { baseEnvironment, functionEnvironment } from '#local/start/environment.ts';
import { makeServiceGroup } from '#local/start/serviceGroup.ts';
import { deployDemo } from './deployDemo.ts';

const PEPPER = 'the-pepper-of-the-benchmark';
const TOKEN = 'session-token-of-the-benchmark';
const CREDITS_MICRO = 1_000_000_000_000;
const COMPONENT = 'adp-bench';
const ACT = { actor: 'bench', reason: 'bench' };

export type BenchTenant = {
  readonly id: TenantId;
  readonly keyId: KeyId;
  readonly authorization: string;
  readonly model: string;
  readonly componentName: string;
  readonly adapterId: string | null;
};

/**
 * The services of one machine, as `npm start` runs them (the database on file), but without the functions' host:
 * the benchmark is the host, so that it can look into what it calls. Sets this process's environment accordingly.
 */
export async function startProduct() {
  const directory = mkdtempSync(join(tmpdir(), 'tunegate-bench-'));
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const env = baseEnvironment(process.env, 'secret-of-the-benchmark');
  const ignore = (): void => undefined;
  const group = makeServiceGroup({ logs, env, onStarted: ignore, onLine: ignore, onLost: ignore });
  const stop = async (): Promise<void> => {
    await group.stop({ withinMs: 4_000 });
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const [dynamodb, aws, sagemaker] = await Promise.all([
      group.startDynamoDb(join(directory, 'dynamodb.sqlite')),
      group.startOwn('aws', ['--data', join(directory, 'aws')], {}),
      group.startOwn('sagemaker', ['--data', join(directory, 'sagemaker')], {}),
    ]);
    const secrets = makeSecretsServer({ [resourceName(SECRETS.keyPepper.name)]: PEPPER }, TOKEN);
    const secretsUrl = await listenOnLoopback(secrets, 0);
    const nowhere = 'http://127.0.0.1:1';
    setEnvironment({
      ...env,
      ...functionEnvironment(
        { baseUrl: nowhere, dynamodb, aws, sagemaker, dodo: nowhere },
        { topUpUrl: nowhere, awsExport: nowhere },
      ),
      AWS_SESSION_TOKEN: TOKEN,
      PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: new URL(secretsUrl).port,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    });
    await runOnce({ name: 'setup', env: process.env });
    await deployDemo(COMPONENT);
    installAwsLambdaGlobal();
    const addresses = { dynamodb, aws, sagemaker };
    return {
      addresses,
      tenant: await openBenchTenant(),
      stop: async () => {
        secrets.close();
        secrets.closeAllConnections();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function setEnvironment(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

const tableName = (table: keyof typeof TABLES): string => resourceName(TABLES[table].name);

export type BenchProduct = Awaited<ReturnType<typeof startProduct>>;

/** A tenant with more credits than the benchmark can use, a key, and a model that a demonstration's adapter answers. */
export async function openBenchTenant(): Promise<BenchTenant> {
  const dynamoDb = makeDynamoDb();
  const ledger = makeLedgerStore(dynamoDb, tableName('ledger'));
  const tenancy = {
    world: systemWorld,
    directory: makeDirectory(dynamoDb, tableName('directory')),
    ledger,
    signing: { crypto: nodeCrypto, peppers: async () => [PEPPER] as const },
  };
  const { id } = await openTenant(tenancy, { name: 'Bench', priceBookId: 'per-token' }, ACT);
  const issued = await issueKey(tenancy, {
    tenantId: id,
    wanted: { name: 'bench', scopes: ['chat'] },
    act: ACT,
  });
  const wanted = {
    alias: 'bench-support',
    baseModel: DEMO_BASE_MODEL,
    adapterId: parseId<AdapterId>('adapter', 'adp_bench') ?? null,
    inferenceComponentName: COMPONENT,
  };
  const added = await addModel(tenancy, { tenantId: id, wanted, act: ACT });
  const grantId = systemWorld.newId<GrantId>('grant');
  const granted = await ledger.grant({
    tenantId: id,
    grantId,
    kind: 'adjustment',
    amountMicro: micro(CREDITS_MICRO),
    source: { kind: 'admin', id: grantId },
    reason: 'bench',
    actor: 'bench',
    nowMs: Date.now(),
  });
  dynamoDb.destroy();
  if (!issued.ok || !added.ok || !granted.ok)
    throw new Error('the tenant of the benchmark could not be made');
  const { model } = added.value;
  return {
    id,
    keyId: issued.value.key.id,
    authorization: `Bearer ${issued.value.text}`,
    model: model.alias,
    componentName: model.inferenceComponentName,
    adapterId: model.adapterId,
  };
}
