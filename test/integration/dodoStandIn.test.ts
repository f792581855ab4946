import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APIError } from 'dodopayments';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { startReceiver, startTestDodo, type TestDodo, WEBHOOK_KEY } from '#test/builders/dodo.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Parameters<typeof startTestDodo>[0] = {}): Promise<TestDodo> {
  const dodo = await startTestDodo(options);
  cleanups.push(dodo.stop);
  return dodo;
}

async function openCheckout(dodo: TestDodo) {
  const customer = await dodo.sdk.customers.create({ email: 'pay@example.com', name: 'Northwind' });
  const session = await dodo.sdk.checkoutSessions.create({
    product_cart: [{ product_id: 'pdt_pack_50', quantity: 1 }],
    customer: { customer_id: customer.customer_id },
    metadata: { checkout_id: 'chk_1' },
  });
  return { customer, session };
}

test('a checkout that is paid ends in a payment of the SDK and a webhook that standardwebhooks verifies', async () => {
  const receiver = await startReceiver();
  cleanups.push(receiver.stop);
  const dodo = await start({ webhookUrl: receiver.url });
  const { customer, session } = await openCheckout(dodo);
  expect(session.checkout_url).toBe(`${dodo.url}/checkout/${session.session_id}`);

  const paid = await dodo.post(`/checkout/${session.session_id}/pay`);
  await dodo.post('/_sim/idle');
  const payment = await dodo.sdk.payments.retrieve(String(paid['payment_id']));

  expect(payment).toMatchObject({
    status: 'succeeded',
    total_amount: 5000,
    currency: 'USD',
    metadata: { checkout_id: 'chk_1' },
    checkout_session_id: session.session_id,
    customer: { customer_id: customer.customer_id },
  });
  const [webhook] = receiver.received;
  const event = new Webhook(WEBHOOK_KEY).verify(webhook?.body ?? '', webhook?.headers ?? {});
  expect(event).toMatchObject({ type: 'payment.succeeded', data: { payment_id: payment.payment_id } });
});

test('an event that is not acknowledged is sent again under the same id with the latest data', async () => {
  let status = 500;
  const receiver = await startReceiver(() => status);
  cleanups.push(receiver.stop);
  const dodo = await start({ webhookUrl: receiver.url, retryScale: 0.02 });
  const { session } = await openCheckout(dodo);
  const paid = await dodo.post(`/checkout/${session.session_id}/pay`);
  await dodo.post('/_sim/idle');
  status = 200;
  await dodo.post('/_sim/refund', { payment_id: paid['payment_id'], amount: 2000 });
  await expect.poll(() => receiver.received.length).toBe(3);

  const bodies = receiver.received.map((webhook) => JSON.parse(webhook.body));
  const payments = bodies.filter((body) => body.type === 'payment.succeeded');
  const ids = receiver.received
    .filter((webhook) => webhook.body.includes('"payment.succeeded"'))
    .map((webhook) => webhook.headers['webhook-id']);
  expect(new Set(ids).size).toBe(1);
  expect(payments.map((body) => body.data.refunds.length)).toEqual([0, 1]);
});

test('refunds never exceed the payment and disputes show on it', async () => {
  const dodo = await start();
  const { session } = await openCheckout(dodo);
  const paymentId = String((await dodo.post(`/checkout/${session.session_id}/pay`))['payment_id']);
  await dodo.sdk.refunds.create({ payment_id: paymentId, items: [{ item_id: 'pdt_pack_50', amount: 4000 }] });
  const tooMuch = dodo.sdk.refunds.create({
    payment_id: paymentId,
    items: [{ item_id: 'pdt_pack_50', amount: 1001 }],
  });
  await expect(tooMuch).rejects.toBeInstanceOf(APIError);
  await dodo.post('/_sim/dispute', { payment_id: paymentId, status: 'opened' });

  expect(await dodo.sdk.payments.retrieve(paymentId)).toMatchObject({
    refund_status: 'partial',
    refunds: [{ amount: 4000, status: 'succeeded' }],
    disputes: [{ dispute_status: 'dispute_opened' }],
  });
});

test('state outlives a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tunegate-dodo-'));
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = await startTestDodo({ dataDir });
  const { session } = await openCheckout(first);
  const paid = await first.post(`/checkout/${session.session_id}/pay`);
  await first.stop();
  const second = await start({ dataDir });
  expect((await second.sdk.payments.retrieve(String(paid['payment_id']))).status).toBe('succeeded');
});

test('a wrong key and another site are refused, a fault that was asked for is seen by the SDK', async () => {
  const dodo = await start();
  const wrongKey = await fetch(`${dodo.url}/payments`, { headers: { authorization: 'Bearer wrong' } });
  expect(wrongKey.status).toBe(401);
  const otherSite = await fetch(`${dodo.url}/_sim/refund`, {
    method: 'POST',
    headers: { origin: 'http://evil.example' },
    body: '{}',
  });
  expect(otherSite.status).toBe(403);
  await dodo.post('/_sim/faults', { api: [{ path: '/payments', kind: 409, times: 1 }] });
  await expect(dodo.sdk.payments.list({ page_number: 0 })).rejects.toMatchObject({ status: 409 });
  expect((await dodo.sdk.payments.list({ page_number: 0 })).items).toEqual([]);
});

test('a browser sees the order, pays it by the form and is sent back to the shop', async () => {
  const dodo = await start();
  const session = await dodo.sdk.checkoutSessions.create({
    product_cart: [{ product_id: 'pdt_pack_200', quantity: 2 }],
    return_url: 'https://shop.example/back?x=1',
  });
  const page = await (await fetch(session.checkout_url ?? '')).text();
  expect(page).toContain('$400.00');
  const answer = await fetch(`${session.checkout_url}/pay`, {
    method: 'POST',
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
    redirect: 'manual',
  });
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toMatch(
    /^https:\/\/shop\.example\/back\?x=1&payment_id=pay_\w+&status=succeeded$/,
  );
});

test('a payment method is kept by an on-demand subscription and charged by its name', async () => {
  const dodo = await start();
  const { customer_id } = await dodo.sdk.customers.create({ email: 'refill@client.example', name: 'Client' });
  const session = await dodo.sdk.checkoutSessions.create({
    product_cart: [{ product_id: 'pdt_auto_refill', quantity: 1 }],
    customer: { customer_id },
    subscription_data: { on_demand: { mandate_only: true } },
  });
  expect(await dodo.post(`/checkout/${session.session_id}/pay`)).toMatchObject({ total_amount: 0 });
  const { items } = await dodo.sdk.subscriptions.list({ customer_id, page_number: 0 });
  const [mandate] = items;
  expect(items).toMatchObject([{ status: 'active', on_demand: true, product_id: 'pdt_auto_refill' }]);

  const charge = (chk: string) =>
    dodo.sdk.subscriptions.charge(String(mandate?.subscription_id), {
      product_price: 5_000,
      product_currency: 'USD',
      metadata: { checkout_id: chk },
    });
  await dodo.post('/_sim/charges', { outcomes: ['processing'] });
  const open = await charge('chk_1');
  await expect(charge('chk_2')).rejects.toMatchObject({
    status: 409,
    error: { code: 'PREVIOUS_PAYMENT_PENDING' },
  });
  await dodo.post('/_sim/payment', { payment_id: open.payment_id, status: 'failed' });
  await charge('chk_2');
  const payments = await dodo.sdk.payments.list({
    subscription_id: String(mandate?.subscription_id),
    page_number: 0,
  });
  expect(
    payments.items.map(({ status, total_amount, metadata }) => [
      status,
      total_amount,
      metadata['checkout_id'],
    ]),
  ).toEqual([
    ['succeeded', 0, undefined],
    ['failed', 5_000, 'chk_1'],
    ['succeeded', 5_000, 'chk_2'],
  ]);
});
