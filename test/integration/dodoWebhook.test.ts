import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answerWebhook } from '#api/answerWebhook.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { makeWebhookVerifier } from '#io/dodo/webhookVerifier.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';
import { lambdaContext, proxyEvent, quietLog, readAnswer } from '#test/builders/http.ts';

const CURRENT = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ROTATED = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const STRANGER = 'whsec_plJ3nmyCDGBKInavdOK15jsl7w5Ydqxb';
const MAX_BODY_BYTES = 256 * 1024;

let billing: TestBilling;
let secrets: readonly string[];
const refused: string[] = [];
beforeAll(async () => {
  billing = await startTestBilling();
});
afterAll(() => billing.stop());
beforeEach(() => {
  secrets = [CURRENT, ROTATED];
  refused.length = 0;
  billing.queue.length = 0;
});

const event = (type = 'payment.succeeded', data: unknown = { payment_id: 'pay_1', status: 'succeeded' }) =>
  JSON.stringify({ business_id: 'bus_1', type, timestamp: new Date().toISOString(), data });

function sign(body: string | Buffer, options: { secret?: string; id?: string; ageSec?: number } = {}) {
  const id = options.id ?? `msg_${randomUUID()}`;
  const at = new Date(Date.now() - (options.ageSec ?? 0) * 1000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(options.secret ?? CURRENT).sign(id, at, body),
  };
}

async function deliver(body: string | Buffer, headers: Readonly<Record<string, string>> = sign(body)) {
  const handler = makeHttpHandler({
    ...quietLog(),
    maxBodyBytes: MAX_BODY_BYTES,
    dispatch: (request) =>
      answerWebhook(
        {
          ...billing.receiveDeps,
          verify: makeWebhookVerifier(async () => secrets, Date.now),
          onRefused: (code) => refused.push(code),
        },
        request,
      ),
  });
  return readAnswer(
    await handler(proxyEvent('POST', '/webhooks/dodo', { rawBody: body, headers }), lambdaContext),
  );
}

const INVALID = { status: 401, body: { error: { code: 'invalid_signature' } } };

test('a signed event is stored, queued and acknowledged in less than a second', async () => {
  const startedMs = performance.now();
  expect(await deliver(event())).toMatchObject({ status: 200 });
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(billing.queue).toMatchObject([{ paymentId: 'pay_1', status: 'succeeded' }]);
});

test('a replay is acknowledged and changes nothing', async () => {
  const body = event();
  const headers = sign(body);
  for (let round = 0; round < 3; round += 1) expect((await deliver(body, headers)).status).toBe(200);
  expect(billing.queue).toHaveLength(1);
});

test('a rotated secret works as long as it is listed', async () => {
  const body = event();
  expect((await deliver(body, sign(body, { secret: ROTATED }))).status).toBe(200);
  secrets = [CURRENT];
  expect(await deliver(body, sign(body, { secret: ROTATED }))).toMatchObject(INVALID);
});

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
  'without %s nothing is taken',
  async (name) => {
    const body = event();
    const { [name]: _gone, ...headers }: Record<string, string> = sign(body);
    expect(await deliver(body, headers)).toMatchObject(INVALID);
    expect(refused).toEqual(['missing_header']);
    expect(billing.queue).toEqual([]);
  },
);

test('a wrong secret, a changed byte and another encoding of the same text are refused', async () => {
  const body = event();
  expect(await deliver(body, sign(body, { secret: STRANGER }))).toMatchObject(INVALID);
  expect(await deliver(body.replace('pay_1', 'pay_2'), sign(body))).toMatchObject(INVALID);
  expect(await deliver(JSON.stringify(JSON.parse(body), null, 1), sign(body))).toMatchObject(INVALID);
  // Read leniently, this byte would become the character that was signed.
  const replaced = event('payment.succeeded', { payment_id: 'pay_\ufffd' });
  const bytes = Buffer.from(replaced.replace('\ufffd', '\u00ff'), 'latin1');
  expect(await deliver(bytes, sign(replaced))).toMatchObject(INVALID);
  expect(billing.queue).toEqual([]);
});

test('an event that is too old is refused, and an authentic one is told apart for the alarm', async () => {
  const body = event();
  expect(await deliver(body, sign(body, { ageSec: 400 }))).toMatchObject(INVALID);
  expect(await deliver(body, sign(body, { ageSec: 400, secret: STRANGER }))).toMatchObject(INVALID);
  expect(refused).toEqual(['authentic_but_out_of_time', 'wrong_signature']);
});

test.each([
  ['payout.success', { payload_type: 'Payout' }],
  ['subscription.active', { subscription_id: 'sub_1', status: 'active' }],
  ['planet.aligned', { payment_id: 'pay_1' }],
  ['payment.succeeded', { payment_id: 7 }],
  ['payment.succeeded', null],
  ['payment.succeeded', 'text'],
])('an event %s with the data %j is stored and acknowledged, and nothing is queued', async (type, data) => {
  const body = event(type, data);
  expect((await deliver(body)).status).toBe(200);
  expect(billing.queue).toEqual([]);
});

test('an unknown event of a payment is looked at: only what Dodo shows then counts', async () => {
  expect((await deliver(event('payment.teleported', { payment_id: 'pay_1', status: 'gone' }))).status).toBe(
    200,
  );
  expect(billing.queue).toHaveLength(1);
});

test.each([
  ['text', 'invalid_json'],
  ['', 'invalid_json'],
  ['[]', 'invalid_request'],
  ['null', 'invalid_request'],
  ['{"type":""}', 'invalid_request'],
  ['{"data":{}}', 'invalid_request'],
  [`{"type":"payment.succeeded","data":${'['.repeat(9_000)}${']'.repeat(9_000)}}`, 'invalid_request'],
])('the signed body %j is refused as %s', async (body, code) => {
  expect(await deliver(body)).toMatchObject({ status: 400, body: { error: { code } } });
});

test.each([
  ['payment_id', 'pay_💥'],
  ['payment_id', 'pay_\ud800'],
  ['payment_id', 'p'.repeat(3_000)],
  ['refund_id', 'ref_\u0000'],
])('a signed event whose %s cannot be an id is refused, and nothing fails', async (name, id) => {
  const body = event('refund.succeeded', { payment_id: 'pay_1', status: 'succeeded', [name]: id });
  expect(await deliver(body)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  expect(billing.queue).toEqual([]);
});

test('a signed event whose own id is longer than any key is refused, and nothing fails', async () => {
  const body = event();
  expect((await deliver(body, sign(body, { id: 'm'.repeat(3_000) }))).status).toBe(400);
  expect(billing.queue).toEqual([]);
});

test('a body past the limit is refused before it is verified', async () => {
  const body = event('payment.succeeded', { payment_id: 'x'.repeat(MAX_BODY_BYTES) });
  expect(await deliver(body)).toMatchObject({ status: 413, body: { error: { code: 'request_too_large' } } });
});
