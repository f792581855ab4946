import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { applySubscription } from '#core/subscriptions/applySubscription.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { runs } from '#test/builders/runs.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
  // What is applied, and when, is this test's own doing.
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
});
afterAll(async () => {
  const { database } = subs.billing;
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  await subs.billing.stop();
  expect(violations).toEqual([]);
});

const available = async (tenantId: TenantId, among?: readonly string[]) => {
  const { grants = {} } = (await subs.billing.ledger.readAccount(tenantId)) ?? {};
  const counted = Object.values(grants).filter(({ id }) => among === undefined || among.includes(id));
  return counted.reduce((sum, { remainingMicro }) => sum + remainingMicro, 0) / 1_000_000;
};
/**
 * The grants of the month that a subscription is in. What was owed and is paid begins a month that the clock of this
 * test has not reached, so the one before is there as well.
 */
const monthOf = async (id: string): Promise<readonly string[]> =>
  ((await subs.store.readSubscription(id))?.usage?.grants ?? []).map(({ grantId }) => grantId);
const parts = () => {
  const { provider, store, ledger } = subs.deps.subscriptions;
  return { provider, store, ledger };
};
const apply = (ports: ReturnType<typeof parts>, subscriptionId: string) =>
  applySubscription({ ...subs.deps.subscriptions, ...ports }, { subscriptionId });
const begin = async () => {
  const tenantId = await subs.billing.newTenant();
  return { tenantId, id: await subs.subscribe(tenantId) };
};

test('a look that dies at any of its steps leaves what the next one finishes, once', async () => {
  const whole = withCrash(parts(), undefined);
  await apply(whole.ports, (await begin()).id);
  for (let call = 1; call <= whole.calls(); call += 1) {
    for (const when of ['before', 'after'] as const) {
      const { tenantId, id } = await begin();
      await apply(withCrash(parts(), { call, when } satisfies CrashPoint).ports, id).catch(() => undefined);
      await apply(parts(), id);
      await apply(parts(), id);
      expect(await available(tenantId), `died ${when} call ${call}`).toBe(700);
      expect(await subs.store.readSubscription(id)).toMatchObject({ steps: [] });
    }
  }
}, 60_000);

test('several looks at once, at a subscription that moves meanwhile, end with its last state', async () => {
  const move = fc.constantFrom('paused', 'active', 'on_hold', 'past_due');
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 4 }), async (moves) => {
      const { tenantId, id } = await begin();
      for (const status of moves) {
        const looks = [apply(parts(), id), apply(parts(), id)];
        await subs.billing.dodo.post('/_sim/subscription', { subscription_id: id, status });
        looks.push(apply(parts(), id));
        await Promise.all(looks);
      }
      await apply(parts(), id);
      const last = moves.at(-1);
      const isOpen = last === 'active' || last === 'past_due';
      expect(await available(tenantId, await monthOf(id))).toBe(isOpen ? 700 : 0);
    }),
    { ...runs(6), examples: [[['past_due', 'active', 'paused']]] },
  );
}, 60_000);
