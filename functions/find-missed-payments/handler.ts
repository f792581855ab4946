import { wireFindMissedPayments } from '#io/wire/findMissedPayments.ts';

const { find } = wireFindMissedPayments(process.env);

/** Every quarter of an hour: looks at Dodo for payments, refunds and disputes whose webhook never came. */
export const handler = (): Promise<void> => find();
