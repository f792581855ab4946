import { type MicroCredits, micro } from '#core/shared/money.ts';
import type { ModelPrice } from './types.ts';

/** Tokens of one call: `inputTokens` of the prompt, `outputTokens` of every choice together. Both ≥ 0, whole. */
export type CallTokens = { readonly inputTokens: number; readonly outputTokens: number };

/** More tokens than any call can have. With the parser's limit on prices, no amount below it overflows. */
export const MAX_TOKENS_PER_CALL = 1_000_000_000;

const TOKENS_PER_PRICE = 1_000_000n;

/**
 * The price of one call in µcr: per request + per million input + per million output tokens. The exact sum is
 * divided once and rounded up, so that no metered token is free; the client pays at most 1 µcr for the rounding.
 * Throws RangeError on token counts that no call can have: that is a bug, or a poisoned event.
 */
export function priceTokens(price: ModelPrice, tokens: CallTokens): MicroCredits {
  const exact =
    BigInt(price.perRequestMicro) * TOKENS_PER_PRICE +
    BigInt(price.perMillionInputTokensMicro) * countOf(tokens.inputTokens) +
    BigInt(price.perMillionOutputTokensMicro) * countOf(tokens.outputTokens);
  return micro(Number(divideRoundingUp(exact, TOKENS_PER_PRICE)));
}

const divideRoundingUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

function countOf(tokens: number): bigint {
  if (!Number.isInteger(tokens) || tokens < 0 || tokens > MAX_TOKENS_PER_CALL) {
    throw new RangeError(`not a number of tokens of one call: ${tokens}`);
  }
  return BigInt(tokens);
}
