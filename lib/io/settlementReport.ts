import type { MessageOutcome, SettlementRefused } from '#core/metering/settleUsage.ts';
import { METRICS } from './definitions/metrics.ts';
import type { makeObservability } from './observability.ts';

export type SettlementReport = {
  /** Counts and logs what became of a batch. */
  readonly outcomes: (outcomes: readonly MessageOutcome[]) => void;
  /** Logs what stopped a batch as a whole; a refusal of one message is in its outcome. */
  readonly stopped: (reason: unknown) => void;
};

/** Never logs a message's body: it names the client's users. */
export function makeSettlementReport({
  logger,
  metrics,
}: Pick<ReturnType<typeof makeObservability>, 'logger' | 'metrics'>): SettlementReport {
  const logRefusal = (messageId: string, tenantId: string | null, refused: SettlementRefused): void => {
    const fields = { messageId, tenantId, code: refused.code, reason: refused.message };
    if (refused.code !== 'settlement_failed') logger.error('usage event is poison', fields);
    else logger.warn('usage event was not settled', { ...fields, error: asError(refused.cause) });
  };

  return {
    outcomes: (outcomes) => {
      const counts = { settled: 0, duplicate: 0, failed: 0, poison: 0, shortfall: 0 };
      for (const { messageId, tenantId, result } of outcomes) {
        if (!result.ok) {
          counts[result.error.code === 'settlement_failed' ? 'failed' : 'poison'] += 1;
          logRefusal(messageId, tenantId, result.error);
          continue;
        }
        counts[result.value.outcome] += 1;
        if (result.value.outcome === 'duplicate' || result.value.shortfallMicro === 0) continue;
        counts.shortfall += 1;
        logger.error('usage cost more than could be charged', {
          tenantId,
          shortfallMicro: result.value.shortfallMicro,
        });
      }
      logger.info('usage batch', counts);
      if (counts.poison > 0) metrics.addMetric(METRICS.poisonEvents.name, 'Count', counts.poison);
      if (counts.shortfall > 0) metrics.addMetric(METRICS.shortfalls.name, 'Count', counts.shortfall);
      if (counts.poison + counts.shortfall > 0) metrics.publishStoredMetrics();
    },
    stopped: (reason) => {
      if (reason instanceof Error) logger.error('usage batch stopped', reason);
    },
  };
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
