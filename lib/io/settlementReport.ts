import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { MessageOutcome } from '#core/metering/settleUsage.ts';
import { METRICS } from './definitions/metrics.ts';

/** Logs and counts what became of a batch. Never logs a message's body: it names the client's users. */
export function reportSettlement(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  outcomes: readonly MessageOutcome[],
): void {
  const counts = { settled: 0, duplicate: 0, failed: 0, poison: 0, shortfalls: 0 };
  for (const outcome of outcomes) {
    const kind = kindOf(outcome);
    counts[kind] += 1;
    if (!outcome.result.ok) logRefusal(logger, outcome);
    else if (outcome.result.value.outcome === 'settled' && outcome.result.value.shortfallMicro > 0) {
      counts.shortfalls += 1;
      const { shortfallMicro } = outcome.result.value;
      logger.error('usage cost more than could be charged', { tenantId: outcome.tenantId, shortfallMicro });
    }
  }
  logger.info('usage batch', counts);
  if (counts.poison + counts.shortfalls === 0) return;
  if (counts.poison > 0) metrics.addMetric(METRICS.poisonEvents.name, 'Count', counts.poison);
  if (counts.shortfalls > 0) metrics.addMetric(METRICS.shortfalls.name, 'Count', counts.shortfalls);
  metrics.publishStoredMetrics();
}

function kindOf({ result }: MessageOutcome): 'settled' | 'duplicate' | 'failed' | 'poison' {
  if (result.ok) return result.value.outcome;
  return result.error.code === 'settlement_failed' ? 'failed' : 'poison';
}

function logRefusal(logger: Logger, { messageId, tenantId, result }: MessageOutcome): void {
  if (result.ok) return;
  const { code, message: reason } = result.error;
  const fields = { messageId, tenantId, code, reason };
  if (result.error.code !== 'settlement_failed') logger.error('usage event is poison', fields);
  else logger.warn('usage event was not settled', { ...fields, cause: result.error.cause });
}
