import { divideUpSafely } from '#core/shared/divideUp.ts';
import { type MicroCredits, micro } from '#core/shared/money.ts';
import type { Rates } from './types.ts';

/**
 * What one call used: `inputTokens` of the prompt, `outputTokens` of every choice together, `computeMs` of the
 * engine. All whole and ≥ 0.
 */
export type CallMeasure = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly computeMs: number;
};

/** More tokens than any call can have. With the parser's limit on prices, no amount below it overflows. */
export const MAX_TOKENS_PER_CALL = 1_000_000_000;

const MILLION = 1_000_000n;
/** Compute is priced by the second and measured in milliseconds: this brings it to millionths as well. */
const MILLIONTHS_PER_MS = 1_000n;

/**
 * The price of one call in µcr: per request + per million input and output tokens + per compute second. The exact
 * sum is divided once and rounded up, so that no metered token is free; the client pays at most 1 µcr for it.
 * Throws RangeError on counts that no call can have: that is a bug, or a poisoned event.
 */
export function priceCall(rates: Rates, used: CallMeasure): MicroCredits {
  // Nearly every call is small enough for numbers to hold its price exactly, which is many times faster.
  const small =
    rates.perRequestMicro * 1_000_000 +
    rates.perMillionInputTokensMicro * checked(used.inputTokens) +
    rates.perMillionOutputTokensMicro * checked(used.outputTokens) +
    rates.perComputeSecondMicro * checked(used.computeMs) * 1_000;
  if (small <= Number.MAX_SAFE_INTEGER) return micro(divideUpSafely(small, 1_000_000));
  const exact =
    BigInt(rates.perRequestMicro) * MILLION +
    BigInt(rates.perMillionInputTokensMicro) * countOf(used.inputTokens) +
    BigInt(rates.perMillionOutputTokensMicro) * countOf(used.outputTokens) +
    BigInt(rates.perComputeSecondMicro) * countOf(used.computeMs) * MILLIONTHS_PER_MS;
  return roundUp(exact);
}

/** The price of training on `tokens` tokens, every epoch counted, in µcr, rounded up. */
export const priceTraining = (
  rates: Pick<Rates, 'perMillionTrainingTokensMicro'>,
  tokens: number,
): MicroCredits => roundUp(BigInt(rates.perMillionTrainingTokensMicro) * countOf(tokens));

const roundUp = (millionths: bigint): MicroCredits => micro(Number((millionths + MILLION - 1n) / MILLION));

const countOf = (count: number): bigint => BigInt(checked(count));

function checked(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS_PER_CALL) return count;
  throw new RangeError(`not a count that a call can have: ${count}`);
}
