import { resendUsage } from '#core/metering/resendUsage.ts';
import { QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeKeptUsage } from '#io/dynamodb/keptUsage.ts';
import { makeObservability } from '#io/observability.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what sends kept usage events to the queue again. */
export function wireResendUsage(env: Environment) {
  const { logger } = makeObservability('resend-usage');
  const deps = {
    kept: makeKeptUsage(makeDynamoDb(), requireVariable(env, TABLES.idempotency.env)),
    usage: makeUsageSink(makeSqs(), requireVariable(env, QUEUES.usage.env)),
  };
  return {
    logger,
    resendUsage: async () => {
      const { sent } = await resendUsage(deps);
      if (sent > 0) logger.info('kept usage events were queued', { sent });
    },
  };
}
