import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { installAwsLambdaGlobal } from '#local/host/lambdaStream.ts';
import { startTestGateway, type TestGateway } from '#test/builders/gateway.ts';

let gateway: TestGateway;
beforeAll(installAwsLambdaGlobal);
afterEach(() => gateway.stop());

/** Answers with what it was given, so that a test can look at the event. */
const echo = (...[event]: readonly unknown[]) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
});
const allow = (...[event]: readonly unknown[]) => ({
  principalId: 'someone',
  policyDocument: {
    Version: '2012-10-17',
    Statement: [
      {
        Action: 'execute-api:Invoke',
        Effect: 'Allow',
        Resource: Object(event).methodArn.replace(/\/v1\/.*/, '/v1/*'),
      },
    ],
  },
  context: { principal: 'text' },
});
const webhook = async (init: RequestInit): Promise<APIGatewayProxyEvent> =>
  JSON.parse(await (await fetch(`${gateway.url}/webhooks/dodo`, { method: 'POST', ...init })).text());

/** Sends bytes as they are and collects everything that comes back until the connection closes. */
function raw(bytes: string, stayOpenMs = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    socket.once('error', reject).once('close', () => resolve(received));
    socket.write(bytes);
    setTimeout(() => socket.end(), stayOpenMs || 200);
  });
}

test('gives a function the event of a REST-proxy integration', async () => {
  gateway = await startTestGateway({ 'dodo-webhook': echo });
  const response = await fetch(`${gateway.url}/webhooks/dodo?a=1&a=2&b=%C3%BC`, {
    method: 'POST',
    headers: { 'X-One': '1' },
    body: '{"ü":1}',
  });
  const event: APIGatewayProxyEvent = JSON.parse(await response.text());
  expect(event).toMatchObject({
    httpMethod: 'POST',
    path: '/webhooks/dodo',
    resource: '/webhooks/dodo',
    body: '{"ü":1}',
    isBase64Encoded: false,
    queryStringParameters: { a: '2', b: 'ü' },
    multiValueQueryStringParameters: { a: ['1', '2'], b: ['ü'] },
    requestContext: { stage: 'v1', path: '/v1/webhooks/dodo', identity: { sourceIp: '127.0.0.1' } },
  });
  expect(event.requestContext.requestId).toMatch(/^[\w-]{36}$/);
  const one = Object.entries(event.multiValueHeaders).find(([name]) => name.toLowerCase() === 'x-one');
  expect(one?.[1]).toEqual(['1']);
});

test('loses no byte of a body that is not text', async () => {
  gateway = await startTestGateway({ 'dodo-webhook': echo });
  const bytes = new Uint8Array([0xff, 0x00, 0xfe, 0x41]);
  const event = await webhook({ body: bytes });
  expect(event.isBase64Encoded).toBe(true);
  expect(new Uint8Array(Buffer.from(event.body ?? '', 'base64'))).toEqual(bytes);
});

test('asks the authorizer first, and gives the function what it says', async () => {
  gateway = await startTestGateway({ account: echo, authorizer: allow });
  const response = await fetch(`${gateway.url}/credits`, { headers: { authorization: 'Bearer x' } });
  const event: APIGatewayProxyEvent = JSON.parse(await response.text());
  expect(event.requestContext.authorizer).toMatchObject({ principalId: 'someone', principal: 'text' });
});

test('answers 401 as OpenAI does without a key, or where the authorizer says so, and 403 where its policy denies', async () => {
  let calls = 0;
  const authorizer = (...args: readonly unknown[]) => {
    calls += 1;
    if (Object(args[0]).headers.authorization === 'Bearer wrong') throw new Error('Unauthorized');
    const policy = allow(...args);
    for (const statement of policy.policyDocument.Statement) statement.Effect = 'Deny';
    return policy;
  };
  gateway = await startTestGateway({ account: echo, authorizer });
  const missing = await fetch(`${gateway.url}/credits`);
  expect([missing.status, calls]).toEqual([401, 0]);
  expect(await missing.json()).toMatchObject({
    error: { code: 'invalid_api_key', type: 'authentication_error' },
  });
  expect(missing.headers.get('x-request-id')).toBeTruthy();
  expect((await fetch(`${gateway.url}/credits`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(
    401,
  );
  expect((await fetch(`${gateway.url}/credits`, { headers: { authorization: 'Bearer other' } })).status).toBe(
    403,
  );
});

test('refuses an unknown path with 404, another method with 405, a body above the quota with 413', async () => {
  gateway = await startTestGateway({ account: echo });
  expect((await fetch(`${gateway.url}/nothing`)).status).toBe(404);
  expect((await fetch(gateway.url.replace('/v1', '/'))).status).toBe(404);
  const put = await fetch(`${gateway.url}/healthz`, { method: 'PUT' });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET']);
  const large = await fetch(`${gateway.url}/webhooks/dodo`, { method: 'POST', body: 'x'.repeat(10_485_761) });
  expect(large.status).toBe(413);
  expect(await large.json()).toMatchObject({ error: { code: 'request_too_large' } });
  const options = await fetch(`${gateway.url}/healthz`, { method: 'OPTIONS' });
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, OPTIONS']);
});

test('a function that throws, or answers nonsense, becomes a 503 that says nothing of it', async () => {
  gateway = await startTestGateway({ 'dodo-webhook': () => ({ nonsense: true }) });
  for (const path of ['healthz', 'webhooks/dodo']) {
    const response = await fetch(`${gateway.url}/${path}`, { method: path === 'healthz' ? 'GET' : 'POST' });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('no account');
  }
  expect(gateway.log.join()).toContain('no account');
});

test('a function that takes longer than its definition allows becomes a 503', async () => {
  gateway = await startTestGateway({ account: () => sleep(5_000) }, 0.05);
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(503);
});

const post = (signal?: AbortSignal) =>
  fetch(`${gateway.url}/chat/completions`, {
    method: 'POST',
    body: '{}',
    ...(signal === undefined ? {} : { signal }),
  });

const streaming = (body: () => Readable | string, statusCode = 200) =>
  middy({ executionMode: executionModeStreamifyResponse }).handler(async () => ({
    statusCode,
    headers: { 'content-type': 'text/event-stream', 'x-more': 'yes' },
    body: body(),
  })) as (...args: readonly unknown[]) => unknown;

test('streams what a middy handler streams, head first and piece by piece', async () => {
  gateway = await startTestGateway({
    chat: streaming(() =>
      Readable.from(
        (async function* () {
          yield 'one ';
          await sleep(150);
          yield 'two';
        })(),
      ),
    ),
  });
  const response = await post();
  expect([response.status, response.headers.get('x-more')]).toEqual([200, 'yes']);
  const arrivals: [number, string][] = [];
  const startedMs = performance.now();
  for await (const chunk of response.body ?? []) {
    arrivals.push([performance.now() - startedMs, Buffer.from(chunk).toString()]);
  }
  expect(arrivals.map(([, text]) => text)).toEqual(['one ', 'two']);
  expect((arrivals[1]?.[0] ?? 0) - (arrivals[0]?.[0] ?? 0)).toBeGreaterThan(100);
});

test('a streaming handler may answer with a text, an empty one too', async () => {
  gateway = await startTestGateway({ chat: streaming(() => '', 402) });
  expect((await post()).status).toBe(402);
  await gateway.stop();
  gateway = await startTestGateway({ chat: streaming(() => 'x'.repeat(100_000)) });
  expect((await (await post()).text()).length).toBe(100_000);
});

test('a client that hangs up ends the stream behind', async () => {
  const ended = Promise.withResolvers<string>();
  gateway = await startTestGateway({
    chat: streaming(() =>
      Readable.from(
        (async function* () {
          try {
            for (;;) {
              yield 'more ';
              await sleep(5);
            }
          } finally {
            ended.resolve('ended');
          }
        })(),
      ),
    ),
  });
  const hangUp = new AbortController();
  const response = await post(hangUp.signal);
  await response.body?.getReader().read();
  hangUp.abort();
  expect(await Promise.race([ended.promise, sleep(3_000, 'still running')])).toBe('ended');
  await sleep(20);
  expect(gateway.log).toEqual([]);
});

test('a slow reader holds the writer back', async () => {
  let produced = 0;
  gateway = await startTestGateway({
    chat: streaming(() =>
      Readable.from(
        (function* () {
          for (; produced < 2_000; produced++) yield Buffer.alloc(64 * 1024);
        })(),
      ),
    ),
  });
  const response = await post();
  const reader = response.body?.getReader();
  await reader?.read();
  await sleep(300);
  expect(produced).toBeLessThan(1_000);
  await reader?.cancel();
});

test('a stream that breaks in the middle breaks for the client too', async () => {
  gateway = await startTestGateway({
    chat: streaming(() =>
      Readable.from(
        (async function* () {
          yield 'begun';
          await sleep(20);
          throw new Error('engine fell over');
        })(),
      ),
    ),
  });
  const response = await post();
  await expect(response.text()).rejects.toThrow();
  expect(gateway.log.join()).toContain('engine fell over');
});

test('what is no HTTP gets an answer in HTTP', async () => {
  gateway = await startTestGateway({ account: () => ({ statusCode: 200, body: 'fine' }) });
  const cases: readonly [string, RegExp][] = [
    ['hello\r\n\r\n', /^HTTP\/1.1 400 /],
    ['GET /v1/healthz HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['GET /v1/healthz HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', /^HTTP\/1.1 400 /],
    [`GET /v1/healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    [
      'POST /v1/healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
      /^HTTP\/1.1 400 /,
    ],
    [
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    ['CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere\r\n\r\n', /^HTTP\/1.1 405 /],
    ['OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1.1 404 /],
    ['GET http://elsewhere/v1/healthz HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1.1 200 /],
    ['GET /v1/%ff%00/../healthz HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1.1 404 /],
    ['POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: magic\r\n\r\n', /^HTTP\/1.1 417 /],
    [
      `POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${1e9}\r\n\r\n`,
      /^HTTP\/1.1 413 /,
    ],
    [
      'GET /v1/healthz HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      /^HTTP\/1.1 200 /,
    ],
    ['HEAD /v1/healthz HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1.1 405 .*\r\n\r\n$/s],
  ];
  const answers = await Promise.all(cases.map(([bytes]) => raw(bytes)));
  for (const [at, [, expected]] of cases.entries()) expect(answers[at]).toMatch(expected);
});

test('requests in one go are answered in their order', async () => {
  gateway = await startTestGateway({ account: () => ({ statusCode: 200, body: 'fine' }) });
  const one = (path: string) => `GET /v1/${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const text = await raw(one('healthz') + one('nothing') + one('healthz'));
  expect([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map((m) => m[1])).toEqual(['200', '404', '200']);
});
