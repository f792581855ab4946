import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { noticeWebhookKey } from '#io/notices/noticeWebhookKey.ts';
import { type Agency, NOBODY, NOTICE_SECRET, refusal, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

test('the contact of a tenant is set, shown with its key, and taken away again', async () => {
  const { id, path } = await agency.newTenant();
  const contact = { email: 'ops@client.example', webhook_url: 'https://client.example/hooks' };
  expect(await agency.admin('PUT', `${path}/notices`, contact)).toMatchObject({ status: 200, body: contact });
  expect(await agency.admin('GET', `${path}/notices`)).toMatchObject({
    status: 200,
    body: { ...contact, webhook_key: noticeWebhookKey(NOTICE_SECRET, id as TenantId) },
  });
  await agency.admin('PUT', `${path}/notices`, { webhook_url: null });
  await agency.admin('PUT', `${path}/notices`, { email: null, webhook_url: null });
  expect((await agency.admin('GET', `${path}/notices`)).body).toMatchObject({
    email: null,
    webhook_url: null,
  });
  expect((await agency.admin('GET', path)).body).toMatchObject({ name: 'Northwind', status: 'active' });
});

test('a contact that cannot be one is refused by name', async () => {
  const { path } = await agency.newTenant();
  for (const [body, param] of [
    [{ email: 'nobody' }, 'email'],
    [{ webhook_url: 'https://localhost/x' }, 'webhook_url'],
    [{ webhook_url: 'https://user:pass@client.example' }, 'webhook_url'],
    [{ webhook: 'https://client.example' }, 'webhook'],
  ] as const) {
    expect(await agency.admin('PUT', `${path}/notices`, body)).toMatchObject(
      refusal(400, 'invalid_request', param),
    );
  }
  expect(await agency.admin('PUT', `${path}/notices`, {})).toMatchObject(refusal(400, 'invalid_request'));
  expect(await agency.admin('GET', `${NOBODY}/notices`)).toMatchObject(refusal(404, 'not_found'));
  expect(await agency.admin('PUT', `${NOBODY}/notices`, { email: 'a@b.example' })).toMatchObject(
    refusal(404, 'not_found'),
  );
});

test('notices are listed by their state, in words', async () => {
  const { id, apiKey } = await agency.newTenant();
  const outbox = makeNoticeOutbox(agency.database.client, `${agency.database.prefix}billing`);
  await outbox.add({
    id: 'account_restored/1',
    to: 'client',
    tenantId: id as TenantId,
    content: { kind: 'account_restored' },
    createdAtMs: 1_000,
  });
  expect(
    (await agency.admin('GET', '/admin/notices', undefined, { query: { state: 'due' } })).body.data,
  ).toMatchObject([{ id: 'account_restored/1', state: 'due', tenant: id, subject: `${id} is back` }]);
  expect((await agency.admin('GET', '/admin/notices')).body.data).toEqual([]);
  expect(await agency.admin('GET', '/admin/notices', undefined, { query: { state: 'x' } })).toMatchObject(
    refusal(400, 'invalid_request', 'state'),
  );
  expect(await agency.call('GET', '/admin/notices', { key: apiKey })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
});
