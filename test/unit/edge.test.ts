import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { readBody } from '#api/edge/readBody.ts';
import { type ApiRequest, refuse, respond } from '#api/http.ts';
import { type CallOptions, lambdaContext, proxyEvent, quietLog, readAnswer } from '#test/builders/http.ts';

const Shape = z.strictObject({
  name: z.string().check(z.minLength(1)),
  count: z.optional(z.int().check(z.lte(5))),
  nested: z.optional(z.object({ list: z.array(z.enum(['a', 'b'])) })),
});

const echo = async (request: ApiRequest) => {
  const body = readBody(request, Shape);
  return body.ok ? respond(200, { params: request.params, body: body.value }) : refuse(body.error);
};

const log = quietLog();
const handler = makeHttpHandler({ ...log, dispatch: echo, maxBodyBytes: 1_000 });
const call = async (method: string, path: string, options: CallOptions = {}) =>
  readAnswer(await handler(proxyEvent(method, path, options), lambdaContext));
const post = (options: CallOptions) => call('POST', '/admin/tenants', options);

test('a good request reaches its route and is answered with the security headers and its id', async () => {
  const answer = await post({ body: { name: 'x' } });
  expect(answer).toMatchObject({ status: 200, body: { body: { name: 'x' } } });
  expect(answer.headers).toMatchObject({
    'x-request-id': 'req-test',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
});

test('an unknown route is 404, a known path with another method 405 with allow', async () => {
  expect(await call('GET', '/nothing')).toMatchObject({
    status: 404,
    body: { error: { code: 'not_found' } },
  });
  const answer = await call('PATCH', '/credits');
  expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET' } });
});

test.each([
  ['empty', ''],
  ['not JSON', '{"name": '],
  ['a byte order mark', '\ufeff{"name":"x"}'],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['half a surrogate', '{"name":"\\ud800"}'],
  ['too deep', '['.repeat(70) + ']'.repeat(70)],
])('a body that is %s is refused as invalid_json', async (_, rawBody) => {
  expect(await post({ rawBody })).toMatchObject({ status: 400, body: { error: { code: 'invalid_json' } } });
});

test('a body above the limit is 413', async () => {
  expect(await post({ body: { name: 'x'.repeat(2_000) } })).toMatchObject({ status: 413 });
});

test.each([
  [{}, 'name', "'name' is required: give a string."],
  [{ name: 3 }, 'name', "'name' must be a string."],
  [{ name: '' }, 'name', "'name' must have at least 1 characters."],
  [{ name: 'x', count: 1.5 }, 'count', "'count' must be a whole number."],
  [{ name: 'x', count: 6 }, 'count', "'count' must be at most 5."],
  [{ name: 'x', nested: { list: ['a', 'c'] } }, 'nested.list[1]', '\'nested.list[1]\' must be "a" or "b".'],
  [{ name: 'x', nmae: 1 }, 'nmae', "'nmae' is not known here: leave it out."],
  [[], null, 'The body must be an object.'],
])('the body %j is refused with where and why', async (body, param, message) => {
  expect(await post({ body })).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_request', type: 'invalid_request_error', param, message } },
  });
});

test('only JSON in plain UTF-8 is taken', async () => {
  const send = (headers: Record<string, string>) => post({ rawBody: '{"name":"x"}', headers });
  expect(await send({ 'Content-Type': 'application/json; charset=UTF-8' })).toMatchObject({ status: 200 });
  expect(await send({ 'Content-Type': 'application/x-www-form-urlencoded' })).toMatchObject({ status: 415 });
  expect(await send({ 'Content-Type': 'application/json; charset=latin1' })).toMatchObject({ status: 415 });
  expect(await send({ 'Content-Encoding': 'gzip' })).toMatchObject({ status: 415 });
});

test('a second authorization header is refused, in whatever case', async () => {
  const event = proxyEvent('POST', '/admin/tenants', { body: { name: 'x' } });
  const twice = { ...event, multiValueHeaders: { Authorization: ['a'], authorization: ['b'] } };
  expect(readAnswer(await handler(twice, lambdaContext))).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('authorization') } },
  });
});

test('what is thrown is logged with the request id and tells the client nothing', async () => {
  const failing = makeHttpHandler({
    ...log,
    dispatch: async () => {
      throw new Error('secret detail');
    },
  });
  const answer = readAnswer(await failing(proxyEvent('GET', '/healthz'), lambdaContext));
  expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal_error' } } });
  expect(JSON.stringify(answer.body)).not.toContain('secret detail');
  expect(log.lines).toContainEqual({
    level: 'error',
    message: 'request failed',
    fields: { requestId: 'req-test', error: new Error('secret detail') },
  });
  expect(log.lines.at(-1)).toMatchObject({ message: 'request', fields: { route: 'healthz', status: 500 } });
});

test('a busy database is a 503 that says when to try again', async () => {
  const busy = makeHttpHandler({
    ...log,
    dispatch: async () => {
      throw Object.assign(new Error('x'), { name: 'ThrottlingException' });
    },
  });
  expect(readAnswer(await busy(proxyEvent('GET', '/healthz'), lambdaContext))).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'temporarily_unavailable' } },
  });
});

test('no log line holds a header or a body', async () => {
  await post({ body: { name: 'canary-body' }, headers: { authorization: 'Bearer canary-key' } });
  expect(JSON.stringify(log.lines)).not.toContain('canary');
});
