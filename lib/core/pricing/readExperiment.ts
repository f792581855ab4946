import type { UsageBook } from '#core/ledger/ports.ts';
import { dayAt } from '#core/metering/periods.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { armOf } from './armOf.ts';
import { type ArmResult, compareArms, type TenantOutcome } from './compareArms.ts';
import type { PriceBookSource } from './ports.ts';
import type { ArmBook } from './recordArms.ts';
import type { Experiment, PriceBook } from './types.ts';

export type ExperimentDeps = {
  readonly source: PriceBookSource;
  readonly arms: Pick<ArmBook, 'list'>;
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<UsageBook, 'listRollups'>;
};

/** What the arms of an experiment brought in, in µcr a tenant, from its first day to its last or today's; of UTC. */
export type ExperimentResult = {
  readonly experiment: string;
  readonly start: string;
  /** Null: it runs still. */
  readonly end: string | null;
  readonly arms: readonly ArmResult[];
  /** False when there are more tenants than one look may read. */
  readonly isComplete: boolean;
};

export type NoExperiment = { readonly code: 'no_experiment' };

/** What one request has the time for. */
const MAX_TENANTS = 1_000;
const A_PAGE = 100;
const CONCURRENCY = 10;
const DAY_MS = 86_400_000;

/**
 * Compares the arms of a book's latest experiment, or of the one that is named, by what their tenants were charged. A
 * tenant counts in the arm that its first call was priced by, from that day on, also when it has another book by now: who
 * leaves is part of what a price does. One that has called nothing yet counts with 0 in the arm that its id gives it.
 */
export async function readExperiment(
  deps: ExperimentDeps,
  {
    book,
    experiment,
    nowMs,
  }: { readonly book: string; readonly experiment?: string | undefined; readonly nowMs: number },
): Promise<Result<ExperimentResult, NoExperiment>> {
  const found = findExperiment(await deps.source.newest(), { book, experiment, nowMs });
  if (found === undefined) return err({ code: 'no_experiment' });
  const last = found.end ?? dayAt(nowMs);
  const recorded = await deps.arms.list({ book, experiment: found.experiment.id });
  const members = new Map(recorded.map(({ tenantId, arm, atMs }) => [tenantId, { arm, from: dayAt(atMs) }]));
  const { tenants, isComplete } = await tenantsOf(deps, book);
  for (const id of tenants)
    if (!members.has(id)) members.set(id, { arm: armOf(found.experiment, id), from: found.start });
  const outcomes: TenantOutcome[] = [];
  const all = [...members].slice(0, MAX_TENANTS);
  for (let at = 0; at < all.length; at += CONCURRENCY) {
    const group = all.slice(at, at + CONCURRENCY);
    const charged = await Promise.all(
      // Whose first call was on the day on which it ended, which is not counted, brought nothing in its days.
      group.map(([tenantId, { from }]) => (from > last ? [] : deps.ledger.listRollups(tenantId, from, last))),
    );
    for (const [n, rollups] of charged.entries()) {
      const arm = group[n]?.[1].arm ?? '';
      outcomes.push({ arm, value: rollups.reduce((sum, { costMicro }) => sum + costMicro, 0) });
    }
  }
  return ok({
    experiment: found.experiment.id,
    start: found.start,
    end: found.end,
    arms: compareArms(
      found.experiment.arms.map((arm) => arm.book),
      outcomes,
    ),
    isComplete: isComplete && members.size <= MAX_TENANTS,
  });
}

/** An experiment that has begun, and its days: from its first version to what begins after its last one. */
function findExperiment(
  books: readonly PriceBook[],
  {
    book,
    experiment,
    nowMs,
  }: { readonly book: string; readonly experiment: string | undefined; readonly nowMs: number },
): { readonly experiment: Experiment; readonly start: string; readonly end: string | null } | undefined {
  const versions = books
    .filter(({ id, effectiveFromMs }) => id === book && effectiveFromMs <= nowMs)
    .sort((a, b) => a.effectiveFromMs - b.effectiveFromMs || a.version - b.version);
  const isIt = (one: PriceBook): boolean =>
    one.experiment !== undefined && (experiment === undefined || one.experiment.id === experiment);
  const lastAt = versions.findLastIndex(isIt);
  const last = versions[lastAt];
  if (last?.experiment === undefined) return undefined;
  const first = versions.find((one) => one.experiment?.id === last.experiment?.id) ?? last;
  const after = versions[lastAt + 1];
  // One that ended on the day on which it began has that day alone.
  const end = after === undefined ? null : Math.max(first.effectiveFromMs, after.effectiveFromMs - DAY_MS);
  return {
    experiment: last.experiment,
    start: dayAt(first.effectiveFromMs),
    end: end === null ? null : dayAt(end),
  };
}

async function tenantsOf({ directory }: ExperimentDeps, book: string) {
  const tenants: TenantId[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_TENANTS / A_PAGE; page += 1) {
    const listed = await directory.listTenants({ limit: A_PAGE, ...(cursor === null ? {} : { cursor }) });
    tenants.push(...listed.tenants.filter(({ priceBookId }) => priceBookId === book).map(({ id }) => id));
    cursor = listed.nextCursor;
    if (cursor === null) return { tenants, isComplete: true };
  }
  return { tenants, isComplete: false };
}
