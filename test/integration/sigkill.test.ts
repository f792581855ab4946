import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handlePaymentMessage } from '#core/billing/handlePaymentMessage.ts';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, ZERO } from '#core/shared/money.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { startTestAws } from '#test/builders/awsService.ts';
import type { TestDatabase } from '#test/builders/database.ts';
import { WEBHOOK_KEY } from '#test/builders/dodo.ts';
import { proxyEvent } from '#test/builders/http.ts';
import { aCharge, entriesOn } from '#test/builders/ledger.ts';
import { type MortalFunction, makeMortalFunction } from '#test/builders/mortalFunction.ts';
import { startTestRefills, type TestRefills } from '#test/builders/refills.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';
import { receive, toRecord } from '#test/builders/usageQueue.ts';

// The functions as they are bundled for AWS, each in a process of its own that the system kills.

const MINUTE_MS = 60_000;
const IS_DEEP = process.env['TUNEGATE_DEEP'] === '1';
const queued = (message: object) => ({
  Records: [toRecord({ MessageId: 'm', Body: JSON.stringify(message) })],
});

/** After which requests to die: every one of them in the deep tests, else the ones that matter most. */
const pointsOf = (requests: readonly string[], most: RegExp): readonly number[] =>
  requests.flatMap((name, index) => (IS_DEEP || most.test(name) ? [index + 1] : []));

async function auditOf({ client, prefix }: TestDatabase) {
  const { violations } = await auditLedger(makeAuditSource(client, `${prefix}ledger`));
  return violations;
}

describe('a refill', () => {
  let refills: TestRefills;
  let mortal: MortalFunction;
  beforeAll(async () => {
    refills = await startTestRefills();
    // Whatever is granted here is granted without a webhook.
    await refills.dodo.post('/_sim/faults', { webhooks: { hold: true } });
    const { database, dodo } = refills;
    mortal = await makeMortalFunction(
      'refill-credits',
      { dynamodb: database.url, dodo: dodo.url },
      database.prefix,
    );
  });
  afterAll(async () => {
    await mortal.stop();
    const violations = await auditOf(refills.database);
    await refills.stop();
    expect(violations).toEqual([]);
  });

  const notices = async (tenantId: TenantId) => {
    const { client, prefix } = refills.database;
    const { notices: all } = await makeNoticeOutbox(client, `${prefix}billing`).list({
      state: 'due',
      limit: 100,
    });
    return all.filter((notice) => notice.tenantId === tenantId).map(({ content }) => content.kind);
  };

  test.each([
    { outcomes: [], most: /charge$/, told: [] },
    { outcomes: ['failed'], most: /charge$/, told: ['refill_failed'] },
  ])(
    'killed at any of its steps charges once and grants once: $outcomes',
    async ({ outcomes, most, told }) => {
      const begin = async (dieAfter?: number) => {
        const tenantId = await refills.newTenant();
        await refills.dodo.post('/_sim/charges', { outcomes });
        const life = await mortal.run(queued({ tenantId }), dieAfter === undefined ? {} : { dieAfter });
        return { tenantId, ...life };
      };
      const whole = await begin();
      expect(whole.died).toBe(false);
      expect(whole.requests.filter((name) => name.endsWith('/charge'))).toHaveLength(1);
      for (const dieAfter of pointsOf(whole.requests, most)) {
        const { tenantId, died } = await begin(dieAfter);
        expect(died, `${dieAfter}: ${whole.requests[dieAfter - 1]}`).toBe(true);
        // As often as the sweep would: what is unknown is looked up, what failed is tried again in an hour.
        for (const minutes of IS_DEEP ? [0, 16, 20, 90] : [16, 90]) {
          await mortal.run(queued({ tenantId }), { aheadMs: minutes * MINUTE_MS });
        }
        const grants = entriesOn(await refills.ledger.listEntries(tenantId, { limit: 100, kind: 'grant' }));
        expect(
          { charged: await refills.charged(tenantId), grants: grants.length, told: await notices(tenantId) },
          `died after ${dieAfter}: ${whole.requests[dieAfter - 1]}`,
        ).toEqual({ charged: [5_000], grants: 1, told });
        expect(await refills.available(tenantId)).toBe('50');
        expect(await refills.refills.read(tenantId)).toMatchObject({ open: null });
      }
    },
    IS_DEEP ? 0 : 60_000,
  );
});

describe('subscriptions', () => {
  let subs: TestSubscriptions;
  const functions: MortalFunction[] = [];
  let aws: Awaited<ReturnType<typeof startTestAws>>;
  let mortal: (name: string) => Promise<MortalFunction>;
  beforeAll(async () => {
    [subs, aws] = await Promise.all([startTestSubscriptions(), startTestAws()]);
    const { database, dodo } = subs.billing;
    for (const name of ['payments', 'subscriptions', 'refills']) {
      await aws.sqs.send(new CreateQueueCommand({ QueueName: `${database.prefix}${name}` }));
    }
    const backends = { dynamodb: database.url, dodo: dodo.url, aws: aws.url };
    mortal = async (name) => {
      const made = await makeMortalFunction(name, backends, database.prefix);
      functions.push(made);
      return made;
    };
  });
  afterAll(async () => {
    for (const { stop } of functions) await stop();
    const violations = await auditOf(subs.billing.database);
    await Promise.all([subs.billing.stop(), aws.stop()]);
    expect(violations).toEqual([]);
  });

  const available = async (tenantId: TenantId) =>
    formatCredits((await subs.billing.ledger.readAccount(tenantId))?.availableMicro ?? ZERO);
  /** What a webhook would tell is told by the test alone. */
  const hold = (isHeld: boolean) => subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: isHeld } });

  test(
    'killed while it applies a payment or its subscription, it grants each once',
    async () => {
      await hold(true);
      const [applyPayment, applySubscription] = [
        await mortal('apply-payment'),
        await mortal('apply-subscription'),
      ];
      const pay = async () => {
        const tenantId = await subs.billing.newTenant();
        const paymentId = await subs.billing.pay(await subs.billing.checkout(tenantId));
        const seen = { webhookId: 'w', type: 'payment.succeeded', paymentId, status: 'succeeded' };
        return { tenantId, event: queued({ ...seen, refundId: null, disputeId: null }) };
      };
      const subscribe = async () => {
        const tenantId = await subs.billing.newTenant();
        const subscriptionId = await subs.subscribe(tenantId);
        const seen = { webhookId: 'w', type: 'subscription.active', status: 'active', pastDueEndsAtMs: null };
        return { tenantId, event: queued({ ...seen, subscriptionId }) };
      };
      for (const { fn, begin, granted } of [
        { fn: applyPayment, begin: pay, granted: '50' },
        { fn: applySubscription, begin: subscribe, granted: '700' },
      ]) {
        const { requests } = await fn.run((await begin()).event);
        for (const dieAfter of pointsOf(requests, /TransactWriteItems/)) {
          const { tenantId, event } = await begin();
          expect((await fn.run(event, { dieAfter })).died, requests[dieAfter - 1]).toBe(true);
          await fn.run(event);
          expect(await available(tenantId), `died after ${dieAfter}: ${requests[dieAfter - 1]}`).toBe(
            granted,
          );
        }
      }
      await hold(false);
    },
    IS_DEEP ? 0 : 60_000,
  );

  test(
    'killed while it takes a webhook, what was paid is granted once when Dodo sends it again',
    async () => {
      await hold(true);
      const webhook = await mortal('dodo-webhook');
      let sent = 0;
      const begin = async () => {
        const tenantId = await subs.billing.newTenant();
        const payment_id = await subs.billing.pay(await subs.billing.checkout(tenantId));
        sent += 1;
        const body = JSON.stringify({ type: 'payment.succeeded', data: { payment_id, status: 'succeeded' } });
        const [id, at] = [`evt_${sent}`, new Date()];
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': new Webhook(WEBHOOK_KEY).sign(id, at, body),
        };
        return { tenantId, event: proxyEvent('POST', '/webhooks/dodo', { rawBody: body, headers }) };
      };
      const queueUrl = `${aws.url}/000000000000/${subs.billing.database.prefix}payments`;
      const applyAll = async () => {
        for (const { Body = '' } of await receive(aws.sqs, queueUrl)) {
          await handlePaymentMessage(subs.billing.applyDeps, Body);
        }
      };
      const { requests } = await webhook.run((await begin()).event);
      await applyAll();
      expect(requests.length).toBeGreaterThanOrEqual(3);
      for (const dieAfter of pointsOf(requests, /SendMessage/)) {
        const { tenantId, event } = await begin();
        expect((await webhook.run(event, { dieAfter })).died, requests[dieAfter - 1]).toBe(true);
        await webhook.run(event);
        await applyAll();
        expect(await available(tenantId), `died after ${dieAfter}: ${requests[dieAfter - 1]}`).toBe('50');
      }
      await hold(false);
    },
    IS_DEEP ? 0 : 60_000,
  );

  test(
    'killed while it reports overage, Dodo gets each use once, and what is late is listed once',
    async () => {
      const report = await mortal('report-usage');
      const tenantId = await subs.billing.newTenant();
      const subscriptionId = await subs.subscribe(tenantId);
      await subs.settle();
      let calls = 0;
      const use = async (amount: number, agoMs = 0) => {
        calls += 1;
        const startedAtMs = Date.now() - agoMs;
        const charge = aCharge(tenantId, `k${calls}`, amount, { startedAtMs, endedAtMs: startedAtMs + 1 });
        await subs.billing.ledger.settle(tenantId, [charge]);
      };
      await use(200_000_000);
      const begin = async () => {
        await use(5);
        await use(3);
        await use(7, 61 * MINUTE_MS);
      };
      const metered = async () => {
        const { items } = await subs.billing.dodo.sdk.subscriptions.retrieveUsageHistory(subscriptionId, {
          page_number: 0,
        });
        return Number(items[0]?.meters[0]?.consumed_units);
      };
      const late = async () => {
        const { database } = subs.billing;
        const list = makeLateUsageList(database.client, `${database.prefix}ledger`);
        return (await list.list({ limit: 100 })).uses.map(({ amountMicro }) => amountMicro);
      };
      await begin();
      const { requests } = await report.run({});
      expect(requests.filter((name) => name.endsWith('/ingest'))).toHaveLength(1);
      let rounds = 1;
      for (const dieAfter of pointsOf(requests, /ingest$|TransactWriteItems/)) {
        await begin();
        rounds += 1;
        expect((await report.run({}, { dieAfter })).died, requests[dieAfter - 1]).toBe(true);
        await report.run({});
        expect(
          { metered: await metered(), late: await late(), waiting: await subs.outbox.pending(100) },
          `died after ${dieAfter}: ${requests[dieAfter - 1]}`,
        ).toEqual({ metered: rounds * 8, late: Array.from({ length: rounds }, () => 7), waiting: [] });
      }
    },
    IS_DEEP ? 0 : 60_000,
  );
});
