import type { JobCosts } from '#core/reconciliation/ports.ts';
import type { TrainingJobId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { JobStore } from '#core/training/ports.ts';
import type { Attempt } from '#core/training/types.ts';

const A_PAGE = 100;
const MAX_PAGES = 10_000;

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
      const costs: Awaited<ReturnType<JobCosts['ofMonth']>>[number][] = [];
      let cursor: string | null = null;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const { tenants, nextCursor } = await directory.listTenants({
          limit: A_PAGE,
          ...(cursor === null ? {} : { cursor }),
        });
        for (const { id: tenantId } of tenants) {
          let after: TrainingJobId | undefined;
          for (let jobPage = 0; jobPage < MAX_PAGES; jobPage += 1) {
            const listed = await jobs.list(tenantId, {
              limit: A_PAGE,
              ...(after === undefined ? {} : { after }),
            });
            for (const { attempts } of listed.jobs) {
              for (const attempt of attempts.filter(isBilled)) {
                const { name, billableSeconds, startedAtMs, costMicroUsd } = attempt;
                if (new Date(startedAtMs).toISOString().slice(0, 7) !== month) continue;
                costs.push({ name, tenantId, microUsd: costMicroUsd, billableSeconds, startedAtMs });
              }
            }
            after = listed.jobs.at(-1)?.id;
            if (!listed.more || after === undefined) break;
          }
        }
        cursor = nextCursor;
        if (cursor === null) break;
      }
      return costs;
    },
  };
}
