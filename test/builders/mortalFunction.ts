import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { bundleFunction } from './bundles.ts';
import { API_KEY, WEBHOOK_KEY } from './dodo.ts';

/** Where the function's database, payment provider and queues really are. */
export type Backends = { readonly dynamodb: string; readonly dodo: string; readonly aws?: string };

export type Life = {
  /** Killed by the system's own signal; false: it came to its end. */
  readonly died: boolean;
  /** What it asked of others, in order: `Query`, `POST /subscriptions/sub_1/charge`. */
  readonly requests: readonly string[];
};

export type MortalFunction = {
  /**
   * Runs the function once, in a process of its own. With `dieAfter` the process gets SIGKILL when that many of its
   * requests were carried out, before it hears the answer of the last one.
   */
  readonly run: (
    event: object,
    fate?: { readonly dieAfter?: number; readonly aheadMs?: number },
  ) => Promise<Life>;
  readonly stop: () => Promise<void>;
};

const PRICE_TABLES = new URL('../../layers/price-tables', import.meta.url).pathname;

/** Runs the bundle's handler once; its clock may be ahead of the machine's. */
const RUNNER = `
const aheadMs = Number(process.env.AHEAD_MS);
const now = Date.now;
Date.now = () => now() + aheadMs;
const { handler } = await import(process.env.BUNDLE);
const context = { functionName: 'test', awsRequestId: 'test', getRemainingTimeInMillis: () => 60_000 };
const answer = await handler(JSON.parse(process.env.EVENT), context);
if ((answer?.batchItemFailures ?? []).length > 0 || answer?.statusCode >= 300) {
  console.error(JSON.stringify(answer));
  process.exit(3);
}
process.exit(0);
`;

/** A function of the product, bundled as for AWS, that can be killed at each of its steps. */
export async function makeMortalFunction(
  name: string,
  backends: Backends,
  prefix: string,
): Promise<MortalFunction> {
  const folder = mkdtempSync(join(tmpdir(), 'tunegate-mortal-'));
  const bundle = join(folder, 'index.mjs');
  const runner = join(folder, 'runner.mjs');
  writeFileSync(runner, RUNNER);
  await bundleFunction(name, bundle);
  const fate = { requests: [] as string[], dieAfter: Number.POSITIVE_INFINITY, kill: (): void => undefined };
  const dynamodb = await startGate(backends.dynamodb, fate);
  const dodo = await startGate(backends.dodo, fate);
  const aws = backends.aws === undefined ? undefined : await startGate(backends.aws, fate);
  const secrets = await startSecrets();
  const named = (all: Readonly<Record<string, { readonly name: string; readonly env: string }>>) =>
    Object.fromEntries(Object.values(all).map((one) => [one.env, `${prefix}${one.name}`]));
  const env = {
    PATH: process.env['PATH'],
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test-secret',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_LAMBDA_FUNCTION_NAME: name,
    DODO_PAYMENTS_BASE_URL: dodo.url,
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: new URL(secrets.url).port,
    TUNEGATE_PRICE_TABLES_DIR: PRICE_TABLES,
    POWERTOOLS_METRICS_NAMESPACE: 'test',
    ...named(TABLES),
    ...Object.fromEntries(Object.values(SECRETS).map((one) => [one.env, one.name])),
    ...(aws === undefined
      ? {}
      : Object.fromEntries(
          Object.values(QUEUES).map((one) => [one.env, `${aws.url}/000000000000/${prefix}${one.name}`]),
        )),
    BUNDLE: bundle,
  };
  return {
    run: async (event, { dieAfter = Number.POSITIVE_INFINITY, aheadMs = 0 } = {}) => {
      const child = spawn(process.execPath, [runner], {
        env: { ...env, EVENT: JSON.stringify(event), AHEAD_MS: String(aheadMs) },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += String(chunk);
      });
      Object.assign(fate, { requests: [], dieAfter, kill: () => child.kill('SIGKILL') });
      const [code, signal] = await once(child, 'close');
      const died = signal === 'SIGKILL';
      if (!died && code !== 0) throw new Error(`${name} failed by itself: ${said.slice(-2_000)}`);
      return { died, requests: fate.requests };
    },
    stop: async () => {
      await Promise.all(
        [dynamodb, dodo, secrets, ...(aws === undefined ? [] : [aws])].map(({ stop }) => stop()),
      );
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Fate = { requests: string[]; dieAfter: number; kill: () => void };

/** Passes requests on and counts them; the answer of the last one is not told any more: its asker is dead. */
const startGate = (to: string, fate: Fate) =>
  listen((message, response) => {
    const at = fate.requests.push(nameOf(message));
    const { hostname, port } = new URL(to);
    // What a dead process had on the way beside its last request is not carried out.
    if (at > fate.dieAfter) return void response.destroy();
    const { url = '/', method, headers } = message;
    const onward = forward({
      hostname,
      port,
      path: url,
      method,
      headers, // its host too: what is signed is signed with it
    });
    onward.on('error', () => response.destroy());
    onward.on('response', (answer) => {
      if (at === fate.dieAfter) {
        answer.resume();
        answer.on('end', () => {
          fate.kill();
          response.destroy();
        });
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    message.pipe(onward);
  });

const nameOf = ({ method, url = '/', headers }: IncomingMessage): string =>
  String(headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1) || `${method} ${url.split('?')[0]}`;

/** What the AWS extension beside a function answers with. */
const startSecrets = () =>
  listen((message, response) => {
    const id = new URL(message.url ?? '/', 'http://localhost').searchParams.get('secretId');
    const texts: Readonly<Record<string, string>> = {
      [SECRETS.dodo.name]: JSON.stringify({ apiKey: API_KEY, webhookKeys: [WEBHOOK_KEY] }),
      [SECRETS.keyPepper.name]: JSON.stringify(['a pepper of sixteen letters']),
    };
    response.end(JSON.stringify({ SecretString: texts[id ?? ''] }));
  });

async function listen(answer: (message: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
