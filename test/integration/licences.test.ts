import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { applyLicence } from '#core/subscriptions/applyLicence.ts';
import { parseApiKey } from '#core/tenants/apiKey.ts';
import { verifyApiKey } from '#core/tenants/verifyApiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
afterAll(() => subs.billing.stop());

const ENTITLEMENT = 'ent_api_key';

/** A pack is bought, and with it a licence key. Answers the grant's id. */
async function buy(tenantId: TenantId): Promise<string> {
  const { billing } = subs;
  const payment_id = await billing.pay(await billing.checkout(tenantId));
  const grant = await billing.dodo.post('/_sim/grant', { entitlement_id: ENTITLEMENT, payment_id });
  return String(grant['id']);
}

async function grantOf(tenantId: TenantId, id: string) {
  const customer_id = (await subs.billing.directory.readTenant(tenantId))?.dodoCustomerId ?? '';
  const { items } = await subs.billing.dodo.sdk.entitlements.grants.list(ENTITLEMENT, {
    customer_id,
    page_number: 0,
  });
  return items.find((one) => one.id === id);
}
const keyOf = async (tenantId: TenantId, id: string) => (await grantOf(tenantId, id))?.license_key?.key ?? '';

/** What becomes of a text that is presented as a key, as the chat function decides it. */
async function present(text: string): Promise<string> {
  const parsed = parseApiKey(text, { crypto: nodeCrypto, peppers: ['a pepper'] });
  if (!parsed.ok) return parsed.error.code;
  const caller = await subs.billing.directory.find(parsed.value.id);
  const verified = verifyApiKey(caller, {
    presented: parsed.value,
    crypto: nodeCrypto,
    nowMs: subs.clock.nowMs + 1,
  });
  return verified.ok ? verified.value.key.scopes.join(' ') : verified.error.code;
}

test('a bought licence key works as an API key once it is delivered, and ends with its revocation', async () => {
  const tenantId = await subs.billing.newTenant();
  const id = await buy(tenantId);
  await subs.settle();
  const key = await keyOf(tenantId, id);
  expect(await present(key)).toBe('chat models');
  const { keys } = await subs.billing.directory.listKeys(tenantId, { limit: 10 });
  expect(keys).toMatchObject([{ tenantId, name: 'licence key' }]);

  await subs.billing.dodo.post('/_sim/grant', { grant_id: id, revoke: true });
  await subs.settle();
  expect(await present(key)).toBe('key_revoked');
  const stops = (await subs.billing.ledger.readAccount(tenantId))?.keyStops ?? {};
  expect(Object.keys(stops)).toEqual(keys.map((one) => one.id));
  // The event of the delivery comes once more: what is revoked stays so.
  await subs.billing.dodo.post('/_sim/redeliver', { subject_id: id });
  await subs.settle();
  expect(await present(key)).toBe('key_revoked');
});

test('events that are doubled and out of order make one key', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 3, reorder: true } });
  const id = await buy(tenantId);
  await subs.settle();
  await subs.billing.dodo.post('/_sim/redeliver', { subject_id: id, times: 2 });
  await subs.settle();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 0, reorder: false } });
  expect((await subs.billing.directory.listKeys(tenantId, { limit: 10 })).keys).toHaveLength(1);
});

test('a crash between any two steps leaves one key that works', async () => {
  const bought = async () => {
    const tenantId = await subs.billing.newTenant();
    await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
    const id = await buy(tenantId);
    const customerId = (await subs.billing.directory.readTenant(tenantId))?.dodoCustomerId ?? '';
    return { tenantId, message: { licenceId: id, entitlementId: ENTITLEMENT, customerId } };
  };
  const parts = { licences: subs.deps.licences, directory: subs.billing.directory };
  const apply = (ports: typeof parts, message: Awaited<ReturnType<typeof bought>>['message']) =>
    applyLicence(
      {
        ...subs.deps,
        licences: ports.licences,
        tenancy: { ...subs.deps.tenancy, directory: ports.directory },
      },
      message,
    );
  const first = await bought();
  const whole = withCrash(parts, undefined);
  await apply(whole.ports, first.message);
  for (let call = 1; call <= whole.calls(); call += 1) {
    for (const when of ['before', 'after'] as const) {
      const { tenantId, message } = await bought();
      await apply(withCrash(parts, { call, when } satisfies CrashPoint).ports, message).catch(
        () => undefined,
      );
      await apply(parts, message);
      await apply(parts, message);
      const { keys } = await subs.billing.directory.listKeys(tenantId, { limit: 10 });
      expect(keys, `died ${when} call ${call}`).toHaveLength(1);
      expect(await present(await keyOf(tenantId, message.licenceId))).toBe('chat models');
    }
  }
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: false } });
  subs.billing.subscriptionQueue.splice(0);
}, 60_000);

test('a licence that comes with a subscription is its tenant’s, also when it is told of first', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
  const subscription_id = await subs.subscribe(tenantId);
  const grant = await subs.billing.dodo.post('/_sim/grant', { entitlement_id: ENTITLEMENT, subscription_id });
  const customerId = (await subs.billing.directory.readTenant(tenantId))?.dodoCustomerId ?? '';
  expect(
    await applyLicence(subs.deps, {
      licenceId: String(grant['id']),
      entitlementId: ENTITLEMENT,
      customerId,
    }),
  ).toMatchObject({ value: { outcome: 'active', tenantId } });
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: false } });
  await subs.settle();
});

test('what nobody of ours bought opens nothing', async () => {
  const { dodo } = subs.billing;
  const response = await fetch(`${dodo.url}/buy/pdt_pack_50?metadata_checkout_id=chk_1`, {
    redirect: 'manual',
  });
  const payment = await dodo.post(`${response.headers.get('location')}/pay`);
  await dodo.post('/_sim/grant', { entitlement_id: ENTITLEMENT, payment_id: payment['payment_id'] });
  await dodo.post('/_sim/idle');
  const [message] = subs.billing.subscriptionQueue;
  if (message === undefined || !('licenceId' in message)) throw new Error('no message of a licence');
  expect(await applyLicence(subs.deps, message)).toMatchObject({ value: { outcome: 'unmatched' } });
  subs.billing.subscriptionQueue.splice(0);
});

test('no text of a key is kept anywhere', async () => {
  const tenantId = await subs.billing.newTenant();
  const id = await buy(tenantId);
  await subs.settle();
  const key = await keyOf(tenantId, id);
  expect(key).toMatch(/^tg_/);
  const { client, prefix } = subs.billing.database;
  const kept: string[] = [];
  for (const name of ['billing', 'directory', 'ledger']) {
    const { Items } = await client.send(new ScanCommand({ TableName: `${prefix}${name}` }));
    kept.push(JSON.stringify(Items));
  }
  expect(kept.join()).toContain(id);
  expect(kept.join()).not.toContain(key);
});
