import type { TenantId } from '#core/shared/ids.ts';
import { trainingJobIn } from './awsResources.ts';
import type { Compared } from './compareAmounts.ts';
import type { AwsCosts, Cause, Difference } from './types.ts';

export type JobCost = {
  readonly name: string;
  readonly tenantId: TenantId;
  readonly microUsd: number;
  readonly billableSeconds: number;
  readonly startedAtMs: number;
};

/** Half a cent: what AWS rounds by itself is no difference. */
export const TOLERANCE_MICRO = 5_000;
/** AWS completes the costs of a day within two days. */
export const BILLED_WITHIN_MS = 72 * 3_600_000;
const SECONDS_AN_HOUR = 3_600;
/** A second of usage on either side. */
const SAME_HOURS = 2 / SECONDS_AN_HOUR;

export type JobBooks = {
  readonly jobs: readonly JobCost[];
  readonly costs: AwsCosts;
  /** What the names of our jobs begin with: others in the account are not ours. */
  readonly namePrefix: string;
  readonly nowMs: number;
};

/** Holds what our training jobs should have cost against AWS's bill of the month, job by job, to the cent. */
export function compareCosts({ jobs, costs, namePrefix, nowMs }: JobBooks): Compared {
  const known = new Set(jobs.map(({ name }) => name));
  const billed = new Map<string, { microUsd: number; hours: number }>();
  let rightMicro = 0;
  for (const { resource, microUsd, hours } of costs.lines) {
    const name = trainingJobIn(resource);
    if (name === undefined || !(known.has(name) || name.startsWith(`${namePrefix}-`))) continue;
    rightMicro += microUsd;
    const sum = billed.get(name) ?? { microUsd: 0, hours: 0 };
    billed.set(name, { microUsd: sum.microUsd + microUsd, hours: sum.hours + hours });
  }
  const differences: Difference[] = [];
  const note = (
    job: Pick<Difference, 'id' | 'tenantId' | 'leftMicro' | 'rightMicro'>,
    cause: Cause,
    why: string,
  ) => differences.push({ pair: 'jobs_aws', ...job, cause, note: why });
  for (const { name, tenantId, microUsd, billableSeconds, startedAtMs } of jobs) {
    const bill = billed.get(name);
    billed.delete(name);
    const job = { id: name, tenantId, leftMicro: microUsd, rightMicro: bill?.microUsd ?? null };
    if (bill === undefined) {
      if (nowMs - startedAtMs < BILLED_WITHIN_MS) note(job, 'not_billed_yet', 'AWS bills it within days');
      else if (microUsd > TOLERANCE_MICRO) note(job, 'unknown', 'AWS has not billed it');
    } else if (Math.abs(bill.microUsd - microUsd) > TOLERANCE_MICRO) {
      const isSameTime = Math.abs(bill.hours - billableSeconds / SECONDS_AN_HOUR) < SAME_HOURS;
      if (isSameTime) note(job, 'price_differs', 'the same time at another price');
      else note(job, 'unknown', 'AWS billed another time than it told');
    }
  }
  for (const [name, { microUsd }] of billed) {
    if (microUsd <= TOLERANCE_MICRO) continue;
    note({ id: name, tenantId: null, leftMicro: null, rightMicro: microUsd }, 'unknown', 'no job of ours');
  }
  return {
    differences,
    totals: {
      pair: 'jobs_aws',
      compared: jobs.length + billed.size,
      leftMicro: jobs.reduce((sum, { microUsd }) => sum + microUsd, 0),
      rightMicro,
    },
  };
}
