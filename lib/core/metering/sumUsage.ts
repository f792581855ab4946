import * as z from 'zod/mini';
import { addMicro, type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { microSchema } from '#core/shared/schemas.ts';

/** What lines of the archive may be summed by. */
export const SUM_PARTS = ['dt', 'tenant', 'key', 'model', 'book', 'experiment'] as const;
export type SumPart = (typeof SUM_PARTS)[number];

/** Calls of one group, added up. `shortfallMicro` is what they cost beyond what could be charged. */
export type LineSum = {
  readonly by: Readonly<Partial<Record<SumPart, string | null>>>;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly computeMs: number;
  readonly costMicro: MicroCredits;
  readonly shortfallMicro: MicroCredits;
};

export type BadArchiveLine = { readonly code: 'invalid_archive_line' };

const count = z.number();
// What summing needs of a line (`archiveLine.ts` has them all); lines of before experiments name none.
const Line = z.object({
  tenantId: z.string(),
  keyId: z.string(),
  model: z.string(),
  startedAt: z.string(),
  inputTokens: count,
  outputTokens: count,
  computeMs: count,
  priceBookId: z.string(),
  priceBookVersion: count,
  experiment: z.optional(z.nullable(z.string())),
  costMicro: microSchema,
  shortfallMicro: microSchema,
});
type Line = z.infer<typeof Line>;

const PARTS: Readonly<Record<SumPart, (line: Line) => string | null>> = {
  dt: ({ startedAt }) => startedAt.slice(0, 10),
  tenant: ({ tenantId }) => tenantId,
  key: ({ keyId }) => keyId,
  model: ({ model }) => model,
  book: ({ priceBookId, priceBookVersion }) => `${priceBookId} ${priceBookVersion}`,
  experiment: ({ experiment }) => experiment ?? null,
};

export type UsageSum = {
  /** Adds one line of the archive. Errors: invalid_archive_line. */
  readonly add: (line: string) => Result<null, BadArchiveLine>;
  /** Every group so far, in the order of their parts. */
  readonly sums: () => readonly LineSum[];
};

/** Sums lines of the archive by these parts. It holds the groups and nothing else, however many lines there are. */
export function makeUsageSum(parts: readonly SumPart[]): UsageSum {
  const groups = new Map<string, Group>();
  return {
    add: (text) => {
      const line = readLine(text);
      if (line === undefined) return err({ code: 'invalid_archive_line' });
      const names = parts.map((part) => PARTS[part](line));
      const key = names.join('\n');
      const group = groups.get(key) ?? newGroup(parts, names);
      groups.set(key, group);
      group.calls += 1;
      group.inputTokens += line.inputTokens;
      group.outputTokens += line.outputTokens;
      group.computeMs += line.computeMs;
      group.costMicro = addMicro(group.costMicro, line.costMicro);
      group.shortfallMicro = addMicro(group.shortfallMicro, line.shortfallMicro);
      return ADDED;
    },
    sums: () => [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum),
  };
}

type Group = { -readonly [Field in keyof LineSum]: LineSum[Field] };

const ADDED = ok(null);

const newGroup = (parts: readonly SumPart[], names: readonly (string | null)[]): Group => ({
  by: Object.fromEntries(parts.map((part, n) => [part, names[n] ?? null])),
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  computeMs: 0,
  costMicro: ZERO,
  shortfallMicro: ZERO,
});

function readLine(text: string): Line | undefined {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
