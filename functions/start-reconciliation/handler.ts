import { wireStartReconciliation } from '#io/wire/startReconciliation.ts';

const { start } = wireStartReconciliation(process.env);

/** Every day: asks for the reconciliation of the days before. */
export const handler = (): Promise<void> => start();
