import { stableHash } from '#core/shared/stableHash.ts';
import { MONTHLY_MEASURES, type MonthlyPrices } from './types.ts';

/**
 * A name for the tiers of a line: 64 bits of all that decides a month's bill, and nothing else. Versions of a book whose
 * tiers are the same go on counting where the one before left off; others begin anew.
 */
export function nameTiers({ timeZone, plans }: MonthlyPrices): string {
  const text = JSON.stringify([
    timeZone,
    ...MONTHLY_MEASURES.map((measure) => {
      const plan = plans[measure];
      if (plan === undefined) return null;
      const { kind, included, per, tiers } = plan;
      return [kind, included, per, ...tiers.map(({ upTo, priceMicro }) => [upTo, priceMicro])];
    }),
  ]);
  return [`a${text}`, `b${text}`].map((one) => stableHash(one).toString(16).padStart(8, '0')).join('');
}
