import * as z from 'zod/mini';
import { bookFindings } from '#core/pricing/bookFindings.ts';
import { type SoldCredits, TYPICAL_CALL } from '#core/pricing/lintPriceBooks.ts';
import type { KeptBook } from '#core/pricing/ports.ts';
import { bookOf } from '#core/pricing/readPriceBooks.ts';
import { parseCredits } from '#core/shared/money.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { ControlDeps } from './deps.ts';

const MAX_PLANS = 20;
const MAX_COUNT = 1_000_000_000;
const count = z.int().check(z.gte(0), z.lte(MAX_COUNT));

/** What a book is compared with, beside what is on sale here. */
export const LintField = z.optional(
  z.strictObject({
    call: z.optional(
      z.strictObject({ input_tokens: count, output_tokens: count, compute_ms: z.optional(count) }),
    ),
    /** What serving such a call costs, in credits. */
    cost_per_call: z.optional(
      z.string().check(
        z.refine((text) => (parseCredits(text) ?? -1) >= 0, {
          error: 'must be a decimal string of credits such as "0.004"',
        }),
      ),
    ),
    plans: z.optional(
      z
        .array(
          z.strictObject({
            name: z.string().check(z.minLength(1), z.maxLength(200)),
            price_minor_units: count,
            calls: z.int().check(z.gte(1), z.lte(MAX_COUNT)),
          }),
        )
        .check(z.maxLength(MAX_PLANS)),
    ),
  }),
);
export type LintAsked = z.infer<typeof LintField>;

/** What may be written and is probably not meant; a draft is looked at as if it began after all that is published. */
export async function warningsOf(deps: ControlDeps, book: KeptBook, lint: LintAsked) {
  const books = await deps.priceBooks.source.newest();
  const beginnings = books.filter(({ id }) => id === book.id).map((other) => other.effectiveFromMs);
  const effectiveFromMs = book.effectiveFromMs ?? Math.max(deps.world.clock(), ...beginnings);
  const { call, cost_per_call: cost, plans = [] } = lint ?? {};
  return bookFindings(deps.directory, bookOf({ ...book, effectiveFromMs }, book.lines), {
    books,
    typicalCall:
      call === undefined
        ? TYPICAL_CALL
        : {
            inputTokens: call.input_tokens,
            outputTokens: call.output_tokens,
            computeMs: call.compute_ms ?? 0,
          },
    costMicro: cost === undefined ? undefined : parseCredits(cost),
    packs: deps.credits.catalogue.packs,
    plans: plans.map(({ name, price_minor_units: priceMinor, calls }) => ({ name, priceMinor, calls })),
    soldCredits: overageOf(deps.subscriptions.catalogue),
  });
}

/**
 * The overage of the plans on sale. What a plan includes is not compared: its price is for retraining, support and
 * isolation as well.
 */
const overageOf = ({ plans }: PlanCatalogue): readonly SoldCredits[] =>
  plans.flatMap(({ name, overage }) =>
    overage === null
      ? []
      : [
          {
            name: `the overage of ${name}`,
            priceMinor: overage.minorPerMillionCredits,
            creditsMicro: 1_000_000_000_000,
          },
        ],
  );
