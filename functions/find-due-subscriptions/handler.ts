import { wireFindDueSubscriptions } from '#io/wire/findDueSubscriptions.ts';

const { find } = wireFindDueSubscriptions(process.env);

/** Every quarter of an hour: queues subscriptions whose month has ended, and those that no webhook told of. */
export const handler = (): Promise<void> => find();
