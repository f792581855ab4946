import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { requireVariable } from '#io/wire/environment.ts';
import { listenOnLoopback, serveUntilTold } from '#local/shared/serviceMain.ts';
import { makeGateway } from './gateway.ts';
import { loadFunctions } from './loadFunctions.ts';
import { makeMailServer } from './mailServer.ts';
import { makeSecretsServer } from './secretsServer.ts';
import { startTriggers } from './triggers.ts';

// Every Lambda function of the product and what calls them: API Gateway, queues and schedules. Where the other
// services are comes by the variables that the functions themselves read.
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    /** A JSON file of secrets by their names. */
    secrets: { type: 'string' },
    /** Where e-mail goes: a file. */
    mail: { type: 'string', default: '/dev/null' },
  },
});

const log = (message: string, error?: unknown): void => {
  const cause =
    error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : error;
  console.error(
    JSON.stringify({ level: 'ERROR', time: new Date().toISOString(), service: 'host', message, cause }),
  );
};

// A function that leaves a promise behind must not take the others with it.
process.on('unhandledRejection', (error) => log('unhandled rejection', error));
process.on('uncaughtException', (error) => log('uncaught exception', error));

const token = randomUUID();
process.env['AWS_SESSION_TOKEN'] = token;
const secrets = z
  .record(z.string(), z.string())
  .parse(values.secrets === undefined ? {} : JSON.parse(readFileSync(values.secrets, 'utf8')));
const secretsServer = makeSecretsServer(secrets, token);
const secretsUrl = await listenOnLoopback(secretsServer, 0);
process.env['PARAMETERS_SECRETS_EXTENSION_HTTP_PORT'] = new URL(secretsUrl).port;
const mailServer = makeMailServer(values.mail);
process.env['AWS_ENDPOINT_URL_SESV2'] = await listenOnLoopback(mailServer, 0);

try {
  const functions = await loadFunctions();
  const gateway = makeGateway({ functions, log });
  const url = await listenOnLoopback(gateway.server, Number(values.port));
  const sqs = new SQSClient({});
  const triggers = startTriggers({
    functions,
    sqs,
    queueUrl: (variable) => requireVariable(process.env, variable),
    log,
  });
  serveUntilTold(url, async () => {
    await Promise.all([gateway.close(), triggers.stop()]);
    secretsServer.close();
    mailServer.close();
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
