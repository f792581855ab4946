import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type BadRequest, badBytes, badRequests } from '#test/builders/badRequests.ts';
import { type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';

const REQUESTS = 5_000;
const AT_ONCE = 25;
const RAW_CONNECTIONS = 400;
const ANSWERS_WITHIN_MS = 15_000;

const Tenants = z.object({ account: z.object({ available: z.string(), held: z.string() }) });
const ErrorBody = z.object({ error: z.object({ message: z.string(), type: z.string(), code: z.string() }) });

let product: RunningProduct;
let url: URL;
beforeAll(async () => {
  product = await startProduct();
  url = new URL(product.connection.baseUrl);
}, 60_000);
afterAll(async () => {
  await product.end();
  removeDataDir(product.dataDir);
});

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

type Answer = {
  readonly status: number;
  readonly requestId: unknown;
  readonly type: string;
  readonly text: string;
};

function send({ method, path, headers, body }: BadRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      agent,
      host: url.hostname,
      port: url.port,
      method,
      path,
      headers: [...headers.flat(), 'host', url.host, 'content-length', String(body.length)],
      timeout: ANSWERS_WITHIN_MS,
    });
    request.once('error', reject).once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          requestId: response.headers['x-request-id'],
          type: response.headers['content-type'] ?? '',
          text,
        }),
      );
      response.once('error', reject);
    });
    request.end(body);
  });
}

async function balances(): Promise<unknown> {
  const { baseUrl, adminKey, tenants } = product.connection;
  return Promise.all(
    tenants.map(async ({ id }) => {
      const answer = await fetch(`${baseUrl}/admin/tenants/${id}`, {
        headers: { authorization: `Bearer ${adminKey}` },
      });
      return Tenants.parse(await answer.json()).account;
    }),
  );
}

test('no bad request makes a 5xx, hangs or moves a balance', async () => {
  const [tenant] = product.connection.tenants;
  const keys = {
    client: tenant?.apiKey ?? '',
    admin: product.connection.adminKey,
    model: tenant?.model ?? '',
  };
  const before = await balances();
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(badRequests(keys), { minLength: AT_ONCE, maxLength: AT_ONCE }),
      async (batch) => {
        const answers = await Promise.all(batch.map(send));
        for (const [at, answer] of answers.entries()) {
          const { method, path } = batch[at] ?? { method: '', path: '' };
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(500);
          if (answer.status < 400 || method === 'HEAD' || method === 'OPTIONS') continue;
          expect(answer.requestId, `${method} ${path}`).toBeTruthy();
          expect(answer.type).toContain('application/json');
          ErrorBody.parse(JSON.parse(answer.text));
        }
      },
    ),
    {
      numRuns: REQUESTS / AT_ONCE,
      endOnFailure: true,
      interruptAfterTimeLimit: 120_000,
      markInterruptAsFailure: true,
    },
  );
  expect(await balances()).toEqual(before);
  // The requests reach beyond the first check: they are refused for many different reasons.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([400, 401, 403, 404, 405, 413, 415]));
}, 180_000);

/** Sends bytes and a half-close, and answers what came back until the server closed. */
function converse(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.setTimeout(ANSWERS_WITHIN_MS, () => socket.destroy(new Error('no end in time')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.end(bytes);
  });
}

test('bytes that are no HTTP are refused and the connection ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(badBytes, { minLength: 20, maxLength: 20 }), async (batch) => {
      for (const text of await Promise.all(batch.map(converse))) {
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
        if (text !== '') expect(Number(status), text.slice(0, 200)).toBeLessThan(500);
      }
    }),
    { numRuns: RAW_CONNECTIONS / 20, endOnFailure: true },
  );
  expect((await fetch(`${product.connection.baseUrl}/healthz`)).status).toBe(200);
}, 120_000);
