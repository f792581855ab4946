import type { PaymentQueue } from '#core/billing/ports.ts';

/** Has a payment applied as if its webhook had come: it is fetched from Dodo, and what is missing is done. */
export const lookAgainAt = (queue: PaymentQueue, paymentId: string): Promise<void> =>
  queue.send({
    webhookId: 'reconciliation',
    type: 'poll',
    paymentId,
    status: null,
    refundId: null,
    disputeId: null,
  });
