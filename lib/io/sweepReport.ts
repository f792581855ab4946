import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { SweptAccount } from '#core/ledger/sweepAccounts.ts';
import { METRICS } from './definitions/metrics.ts';

/** Logs each account in which something ended, and counts the holds whose function died before it ended them. */
export function reportSweep(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  reports: readonly SweptAccount[],
): void {
  for (const report of reports) {
    const { tenantId } = report;
    if (report.outcome === 'failed') {
      logger.error('account could not be swept', { tenantId, cause: report.cause });
      continue;
    }
    const { holds, grants } = report;
    if (holds.length > 0) {
      logger.warn('holds expired', { tenantId, holds });
      metrics.addMetric(METRICS.holdsExpired.name, 'Count', holds.length);
    }
    if (grants.length > 0) logger.info('credits expired', { tenantId, grants });
  }
}
