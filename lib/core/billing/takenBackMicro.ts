import { addMicro, type MicroCredits, ZERO } from '#core/shared/money.ts';
import type { LedgerStep } from './types.ts';

/** What the steps have taken back of the grant so far. */
export const takenBackMicro = (steps: readonly LedgerStep[]): MicroCredits =>
  steps.reduce<MicroCredits>(
    (sum, step) => (step.kind === 'claw_back' ? addMicro(sum, step.amountMicro) : sum),
    ZERO,
  );
