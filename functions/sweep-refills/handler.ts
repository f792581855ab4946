import { wireSweepRefills } from '#io/wire/sweepRefills.ts';

const { sweep } = wireSweepRefills(process.env);

/** Every minute: asks for the refills that are open or due, whatever became of their triggers. */
export const handler = (): Promise<void> => sweep();
