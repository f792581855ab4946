import type { JobCosts } from '#core/reconciliation/ports.ts';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { JobStore } from '#core/training/ports.ts';
import type { Attempt } from '#core/training/types.ts';

const A_PAGE = 100;
const MAX_PAGES = 10_000;
/** Tenants whose jobs are read at once. */
const CONCURRENCY = 10;

type JobCost = Awaited<ReturnType<JobCosts['ofMonth']>>[number];
type Billed = Attempt & { readonly billableSeconds: number; readonly costMicroUsd: number };

const isBilled = (attempt: Attempt): attempt is Billed =>
  attempt.billableSeconds !== null && attempt.costMicroUsd !== null;

/** What every attempt of a training job that began in a month cost, as SageMaker told its seconds. */
export function makeJobCosts(
  directory: Pick<Directory, 'listTenants'>,
  jobs: Pick<JobStore, 'list'>,
): JobCosts {
  return {
    ofMonth: async (month) => {
      const costs: JobCost[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const { tenants, nextCursor } = await directory.listTenants({
          limit: A_PAGE,
          ...(cursor === null ? {} : { cursor }),
        });
        for (let from = 0; from < tenants.length; from += CONCURRENCY) {
          const group = tenants.slice(from, from + CONCURRENCY);
          const found = await Promise.all(group.map(({ id }) => costsOf(jobs, id, month)));
          costs.push(...found.flat());
        }
        cursor = nextCursor;
        if (cursor === null) break;
      }
      return costs;
    },
  };
}

async function costsOf(
  jobs: Pick<JobStore, 'list'>,
  tenantId: TenantId,
  month: string,
): Promise<readonly JobCost[]> {
  const costs: JobCost[] = [];
  let after: TrainingJobId | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const listed = await jobs.list(tenantId, { limit: A_PAGE, ...(after === undefined ? {} : { after }) });
    for (const attempt of listed.jobs.flatMap(({ attempts }) => attempts).filter(isBilled)) {
      const { name, billableSeconds, startedAtMs, costMicroUsd } = attempt;
      if (new Date(startedAtMs).toISOString().slice(0, 7) !== month) continue;
      costs.push({ name, tenantId, microUsd: costMicroUsd, billableSeconds, startedAtMs });
    }
    after = listed.jobs.at(-1)?.id;
    if (!listed.more || after === undefined) break;
  }
  return costs;
}
