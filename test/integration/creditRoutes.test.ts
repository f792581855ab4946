import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Agency, NOBODY, refusal, startAgency, TOP_UP_URL } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const checkout = (key: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  agency.call('POST', '/credits/checkout', { key, body, headers });

test('credits are shown as decimal strings with a link to buy more', async () => {
  const { path, apiKey } = await agency.newTenant();
  await agency.admin('POST', `${path}/credits`, { amount: '12.345678', reason: 'a trial' });
  expect(await agency.call('GET', '/credits', { key: apiKey })).toMatchObject({
    status: 200,
    body: {
      available: '12.345678',
      held: '0',
      currency_note: '1 credit is worth 1 USD',
      top_up_url: TOP_UP_URL,
    },
  });
  expect((await agency.call('GET', '/credits')).status).toBe(401);
});

test('entries come newest first, in pages, to their tenant alone', async () => {
  const [mine, theirs] = [await agency.newTenant(), await agency.newTenant()];
  for (const amount of ['1', '2', '3']) {
    await agency.admin('POST', `${mine.path}/credits`, { amount, reason: `the gift of ${amount}` });
  }
  const amounts: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { body: { data: { amount: string }[]; next_cursor: string | null } } = await agency.call(
      'GET',
      '/credits/entries',
      { key: mine.apiKey, query: { limit: '2', ...(cursor === null ? {} : { cursor }) } },
    );
    amounts.push(...page.body.data.map((entry) => entry.amount));
    cursor = page.body.next_cursor;
  } while (cursor !== null);
  expect(amounts).toEqual(['3', '2', '1']);
  expect((await agency.call('GET', '/credits/entries', { key: theirs.apiKey })).body.data).toEqual([]);
  expect(await agency.admin('GET', `${mine.path}/credits/entries`)).toMatchObject({
    status: 200,
    body: { data: [{ reason: 'the gift of 3', actor: expect.any(String) }, {}, {}] },
  });
  expect(await agency.admin('GET', `${NOBODY}/credits/entries`)).toMatchObject(refusal(404, 'not_found'));
  const limit = await agency.call('GET', '/credits/entries', { key: mine.apiKey, query: { limit: '0' } });
  expect(limit).toMatchObject(refusal(400, 'invalid_request', 'limit'));
});

test('a checkout opens for a pack on sale, with one customer for all of a tenant', async () => {
  const { path, apiKey } = await agency.newTenant();
  const packs = await agency.call('GET', '/credits/packs', { key: apiKey });
  const [pack] = packs.body.data;
  const opened = await checkout(apiKey, { pack_id: pack.id, quantity: 3, return_url: 'https://a.example/x' });
  expect(opened).toMatchObject({
    status: 201,
    body: { credits: '150', price: { minor_units: 15000, currency: 'USD' }, pack_id: pack.id },
  });
  expect(opened.body.checkout_url).toMatch(new RegExp(`^${agency.dodo.url}/checkout/`));
  const customer = (await agency.admin('GET', path)).body.dodo_customer_id;
  await checkout(apiKey, { pack: pack.id });
  expect((await agency.admin('GET', path)).body.dodo_customer_id).toBe(customer);

  const paid = await agency.dodo.post(new URL(`${opened.body.checkout_url}/pay`).pathname);
  expect(paid).toMatchObject({
    total_amount: 15000,
    metadata: { checkout_id: opened.body.id },
    customer: { customer_id: customer },
  });
  expect(Object.keys(Object(paid['metadata']))).toEqual(['checkout_id']);
});

test('the same idempotency key answers the same checkout, also after Dodo failed, and no other', async () => {
  const [mine, theirs] = [await agency.newTenant(), await agency.newTenant()];
  const once = { 'idempotency-key': 'order-1' };
  await agency.dodo.post('/_sim/faults', { api: [{ method: 'POST', path: '/checkouts', kind: 500 }] });
  const failed = await checkout(mine.apiKey, { pack_id: 'pack-50' }, once);
  expect(failed).toMatchObject(refusal(503, 'payment_provider_unavailable'));
  expect(failed.headers['retry-after']).toBeDefined();

  const many = await Promise.all([1, 2, 3].map(() => checkout(mine.apiKey, { pack_id: 'pack-50' }, once)));
  const [first] = many;
  expect(first?.status).toBe(201);
  expect(new Set(many.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  expect(await checkout(mine.apiKey, { pack_id: 'pack-200' }, once)).toMatchObject(
    refusal(400, 'idempotency_key_reused'),
  );
  expect((await checkout(theirs.apiKey, { pack_id: 'pack-50' }, once)).body.id).not.toBe(first?.body.id);
});

test.each([
  [{}, 'pack_id'],
  [{ pack_id: 'nope' }, 'pack_id'],
  [{ pack_id: 'pack-50', pack: 'pack-200' }, 'pack_id'],
  [{ pack_id: 7 }, 'pack_id'],
  [{ pack_id: 'pack-50', quantity: 0 }, 'quantity'],
  [{ pack_id: 'pack-50', quantity: 101 }, 'quantity'],
  [{ pack_id: 'pack-50', quantity: 1.5 }, 'quantity'],
  [{ pack_id: 'pack-50', return_url: 'http://shop.example' }, 'return_url'],
  [{ pack_id: 'pack-50', return_url: 'javascript:alert(1)' }, 'return_url'],
  [{ pack_id: 'pack-50', return_url: 'https://user:pw@shop.example' }, 'return_url'],
  [{ pack_id: 'pack-50', email: 'nobody' }, 'email'],
  [{ pack_id: 'pack-50', credits: '999' }, 'credits'],
])('the checkout %j is refused at %s', async (body, param) => {
  const { apiKey } = await agency.newTenant();
  expect(await checkout(apiKey, body)).toMatchObject(refusal(400, 'invalid_request', param));
});

test('a key without the scope opens no checkout', async () => {
  const { path } = await agency.newTenant();
  const { body } = await agency.admin('POST', `${path}/keys`, { name: 'chat only', scopes: ['chat'] });
  expect(await checkout(body.api_key, { pack_id: 'pack-50' })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
});

test('payments are the agency’s alone to see', async () => {
  const { apiKey } = await agency.newTenant();
  expect(await agency.admin('GET', '/admin/payments')).toMatchObject({ status: 200, body: { data: [] } });
  expect(await agency.call('GET', '/admin/payments', { key: apiKey })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
  expect(
    await agency.admin('GET', '/admin/payments', undefined, { query: { attention: 'maybe' } }),
  ).toMatchObject(refusal(400, 'invalid_request', 'attention'));
});
