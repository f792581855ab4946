import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { customerOf, type NoCustomer } from './customerOf.ts';
import type { BillingStore, PaymentProvider } from './ports.ts';
import type { Checkout, CreditPack } from './types.ts';

export type CheckoutDeps = {
  readonly packs: readonly CreditPack[];
  readonly store: Pick<BillingStore, 'createCheckout' | 'attachSession'>;
  readonly provider: Pick<PaymentProvider, 'createCustomer' | 'createSession'>;
  readonly directory: Pick<Directory, 'readTenant' | 'updateTenant'>;
  readonly world: World;
};

export type CheckoutRequest = {
  readonly tenantId: TenantId;
  readonly packId: string;
  readonly quantity: number;
  readonly returnUrl: string | null;
  /** Where Dodo sends receipts; needed only for the tenant's first checkout. */
  readonly email: string | null;
  readonly idempotencyKey: string | null;
};

export type OpenedCheckout = Checkout & { readonly session: NonNullable<Checkout['session']> };

export type CheckoutRefused =
  | { readonly code: 'unknown_pack'; readonly known: readonly string[] }
  | { readonly code: 'tenant_not_found' | 'idempotency_key_reused' }
  | NoCustomer;

/**
 * Opens a checkout for a pack. Our own record is written before Dodo is asked: so whatever happens in between, a
 * payment can always be traced to what was offered, and to whom. Repeated with the same idempotency key it answers
 * the same checkout.
 */
export async function openCheckout(
  deps: CheckoutDeps,
  request: CheckoutRequest,
): Promise<Result<OpenedCheckout, CheckoutRefused>> {
  const pack = deps.packs.find(({ id }) => id === request.packId);
  if (pack === undefined) return err({ code: 'unknown_pack', known: deps.packs.map(({ id }) => id) });
  const tenant = await deps.directory.readTenant(request.tenantId);
  if (tenant === undefined) return err({ code: 'tenant_not_found' });
  const customer = await customerOf(deps, tenant, request.email);
  if (!customer.ok) return customer;

  const { checkout } = await deps.store.createCheckout({
    id: deps.world.newId<CheckoutId>('checkout'),
    tenantId: tenant.id,
    customerId: customer.value,
    pack,
    quantity: request.quantity,
    returnUrl: request.returnUrl,
    idempotencyKey: request.idempotencyKey,
    createdAtMs: deps.world.clock(),
    session: null,
    mandateId: null,
    paymentId: null,
  });
  if (!isOf(checkout, request)) return err({ code: 'idempotency_key_reused' });
  if (checkout.session !== null) return ok({ ...checkout, session: checkout.session });

  const session = await deps.provider.createSession({
    checkoutId: checkout.id,
    customerId: checkout.customerId,
    productId: checkout.pack.productId,
    quantity: checkout.quantity,
    currency: checkout.pack.currency,
    returnUrl: checkout.returnUrl,
  });
  // A refusal is a fault of our set-up (a product that Dodo does not know, say), not of the caller's.
  if (!session.ok) return err({ ...session.error, code: 'payment_provider_unavailable' });
  // Of two that open the same checkout at once the first one's session stands, and both answer it.
  return ok({ ...checkout, session: await deps.store.attachSession(checkout.id, session.value) });
}

const isOf = (checkout: Checkout, request: CheckoutRequest): boolean =>
  checkout.pack.id === request.packId &&
  checkout.quantity === request.quantity &&
  checkout.returnUrl === request.returnUrl;
