import type { Notice } from '#core/notices/types.ts';
import { type RefillDeps, type RefillReport, refillTenant } from '#core/refill/refillTenant.ts';
import type { RefillSettings, RefillState } from '#core/refill/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeMandateProvider } from '#io/dodo/mandateProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { systemWorld } from '#io/world.ts';
import { CATALOGUE, startTestBilling } from './billing.ts';
import { API_KEY } from './dodo.ts';

/** Shorter than a function's patience: a stand-in that hangs shall not hold up the tests. */
const DODO_TIMEOUT_MS = 500;

const WANTED: RefillSettings = {
  isEnabled: true,
  thresholdMicro: micro(10_000_000),
  packId: 'pack-50',
  monthlyLimit: 10,
};

/** Refills with all their real parts: stand-in, SDK, tables and ledger. `clock` is the product's, not Dodo's. */
export async function startTestRefills() {
  const billing = await startTestBilling();
  const clock = { nowMs: Date.now() };
  const world = { ...systemWorld, clock: () => clock.nowMs };
  const dodo = makeDodoClient({ baseURL: billing.dodo.url }, async () => API_KEY, DODO_TIMEOUT_MS);
  const store = makeRefillStore(billing.database.client, `${billing.database.prefix}billing`);
  const notices: Notice[] = [];
  const deps: RefillDeps = {
    store,
    mandates: makeMandateProvider(dodo),
    billing: billing.store,
    payments: { ...billing.applyDeps, provider: makePaymentProvider(dodo) },
    ledger: billing.ledger,
    directory: billing.directory,
    notices: {
      add: async (notice) => {
        if (!notices.some(({ id }) => id === notice.id)) notices.push(notice);
      },
    },
    catalogue: CATALOGUE,
    world,
  };

  /** A tenant that has given a payment method and wants refills. */
  const newTenant = async (
    over: Partial<RefillSettings> = {},
    { withMethod = true }: { readonly withMethod?: boolean } = {},
  ): Promise<TenantId> => {
    const tenantId = await billing.newTenant();
    const { customer_id } = await billing.dodo.sdk.customers.create({
      email: `${tenantId}@client.example`,
      name: 'Client',
    });
    await billing.directory.updateTenant(tenantId, { dodoCustomerId: customer_id }, anAudit(tenantId));
    if (withMethod) await giveMethod(tenantId);
    await store.save(aRefillState(tenantId, { settings: { ...WANTED, ...over } }));
    return tenantId;
  };
  /** What the tenant does on the page that asks for a payment method. */
  const giveMethod = async (tenantId: TenantId): Promise<void> => {
    const tenant = await billing.directory.readTenant(tenantId);
    const page = await deps.mandates.openMandate({
      tenantId,
      customerId: tenant?.dodoCustomerId ?? '',
      productId: CATALOGUE.refillProductId ?? '',
      returnUrl: null,
    });
    if (!page.ok) throw new Error(page.error.detail);
    await billing.dodo.post(`${new URL(page.value.url).pathname}/pay`);
  };

  return {
    ...billing,
    clock,
    deps,
    refills: store,
    notices,
    newTenant,
    giveMethod,
    refill: (tenantId: TenantId, with_: Partial<RefillDeps> = {}): Promise<RefillReport> =>
      refillTenant({ ...deps, ...with_ }, tenantId),
    available: async (tenantId: TenantId): Promise<string> => {
      const account = await billing.ledger.readAccount(tenantId);
      return account === undefined ? 'no account' : formatCredits(account.availableMicro);
    },
    /** What Dodo took from the tenant's payment method and did not fail: `[5000, 5000]`. */
    charged: async (tenantId: TenantId): Promise<readonly number[]> => {
      const tenant = await billing.directory.readTenant(tenantId);
      const { items } = await billing.dodo.sdk.payments.list({
        customer_id: tenant?.dodoCustomerId ?? '',
        page_number: 0,
        page_size: 100,
      });
      return items
        .filter(({ status, total_amount }) => total_amount > 0 && status !== 'failed')
        .map(({ total_amount }) => total_amount);
    },
  };
}

export type TestRefills = Awaited<ReturnType<typeof startTestRefills>>;

export const aRefillState = (tenantId: TenantId, over: Partial<RefillState> = {}): RefillState => ({
  tenantId,
  version: 1,
  settings: WANTED,
  setAtMs: 0,
  mandateId: null,
  mandateAskedAtMs: null,
  open: null,
  failures: 0,
  notBeforeMs: 0,
  stopped: null,
  month: '',
  refillsInMonth: 0,
  ...over,
});

const anAudit = (tenantId: TenantId) => ({
  id: systemWorld.newId('auditRecord'),
  atMs: 1,
  actor: 'test',
  action: 'tenant.customer_created',
  tenantId,
  reason: 'test',
  details: {},
});
