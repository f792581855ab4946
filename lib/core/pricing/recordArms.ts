import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';

/** An experiment, by the tenants' own book and its id. */
export type ExperimentName = { readonly book: string; readonly experiment: string };

/** The arm that a tenant's first call of an experiment was priced by, and when that began. */
export type RecordedArm = { readonly tenantId: TenantId; readonly arm: string; readonly atMs: number };

/** Who was in which arm, as it was when they were charged: whatever became of tenants and books since. */
export type ArmBook = {
  /** The first record of a tenant stays. */
  readonly record: (of: ExperimentName, recorded: RecordedArm) => Promise<void>;
  readonly list: (of: ExperimentName) => Promise<readonly RecordedArm[]>;
};

/** Records the arms of settled calls, once for each tenant and experiment. */
export async function recordArms(
  book: Pick<ArmBook, 'record'>,
  events: readonly UsageEvent[],
): Promise<void> {
  const first = new Map<string, { readonly of: ExperimentName; readonly recorded: RecordedArm }>();
  for (const { tenantId, startedAtMs: atMs, priceBook } of events) {
    if (priceBook.armOf === undefined) continue;
    const of = { book: priceBook.armOf.book, experiment: priceBook.armOf.experiment };
    const key = `${of.book}#${of.experiment}#${tenantId}`;
    const seen = first.get(key);
    if (seen !== undefined && seen.recorded.atMs <= atMs) continue;
    first.set(key, { of, recorded: { tenantId, arm: priceBook.id, atMs } });
  }
  await Promise.all([...first.values()].map(({ of, recorded }) => book.record(of, recorded)));
}
