import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import type { ArmResult } from '#core/pricing/compareArms.ts';
import { bookId } from '#core/pricing/priceBooksFile.ts';
import { readExperiment } from '#core/pricing/readExperiment.ts';
import type { RouteHandler } from './dispatch.ts';
import { listBody } from './fields.ts';

const Query = z.strictObject({ experiment: z.optional(bookId) });

/** `GET /admin/price-books/{book}/experiment?experiment=` → what the arms brought in, and whether that may be chance. */
export const readPriceExperiment: RouteHandler = async (deps, request) => {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const { book = '' } = request.params;
  const { directory, ledger, priceBooks, world } = deps;
  const result = await readExperiment(
    { source: priceBooks.source, arms: priceBooks.arms, directory, ledger },
    { book, nowMs: world.clock(), ...query.value },
  );
  if (!result.ok) {
    const which =
      query.value.experiment === undefined ? 'experiment' : `experiment ${query.value.experiment}`;
    return refuse({
      code: 'not_found',
      message: `The price book ${book} has no ${which} that has begun. GET /v1/admin/price-books shows which have.`,
    });
  }
  const { arms, isComplete, ...of } = result.value;
  return respond(200, { ...listBody(arms.map(armBody), null), book, ...of, is_complete: isComplete });
};

const MICRO = 1_000_000;
const credits = (micro: number): string => (micro / MICRO).toFixed(6);

const armBody = ({ arm, tenants, mean, difference, pValue, pValueOfAll }: ArmResult) => ({
  arm,
  tenants,
  mean: credits(mean),
  difference: difference === null ? null : credits(difference),
  p_value: pValue === null ? null : pValue.toFixed(4),
  p_value_of_all: pValueOfAll === null ? null : pValueOfAll.toFixed(4),
});
