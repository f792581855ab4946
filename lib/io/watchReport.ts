import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { Watched } from '#core/watch/watchUsage.ts';
import { METRICS } from './definitions/metrics.ts';

/** Logs what is unusual, and counts the keys. */
export function reportWatch(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  watched: readonly Watched[],
): void {
  for (const one of watched) {
    const { tenantId } = one;
    if (one.outcome === 'failed') {
      logger.error('the use of a tenant could not be looked at', { tenantId, cause: one.cause });
      continue;
    }
    logger.warn('a key is used in an unusual way', {
      tenantId,
      ...one.finding,
      slowedUntilMs: one.slowedUntilMs,
    });
    metrics.addMetric(METRICS.unusualUse.name, 'Count', 1);
  }
}
