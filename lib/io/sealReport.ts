import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { SealedBook } from '#core/statements/sealBooks.ts';
import { METRICS } from './definitions/metrics.ts';

/** Logs what a run of sealing did, and counts the books that it could not seal. */
export function reportSeals(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  books: readonly SealedBook[],
): void {
  let seals = 0;
  let failed = 0;
  for (const book of books) {
    if (book.outcome === 'sealed') {
      seals += book.seals;
      continue;
    }
    failed += 1;
    logger.error('a book was not sealed', { tenantId: book.tenantId, cause: book.cause });
  }
  if (seals > 0) logger.info('books sealed', { seals });
  if (failed > 0) metrics.addMetric(METRICS.sealFailures.name, 'Count', failed);
}
