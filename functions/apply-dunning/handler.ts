import { wireApplyDunning } from '#io/wire/applyDunning.ts';

const { apply } = wireApplyDunning(process.env);

/** Every minute: tells, suspends and opens accounts again, as the payments of their subscriptions stand. */
export const handler = (): Promise<void> => apply();
