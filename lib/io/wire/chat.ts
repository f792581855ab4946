import type { InferencePorts } from '#core/inference/ports.ts';
import { readPriceBooks } from '#core/pricing/readPriceBooks.ts';
import type { CallerDirectory } from '#core/tenants/ports.ts';
import { cacheCallers } from '#io/callerCache.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeDurableUsage } from '#io/durableUsage.ts';
import { makeCallerReader } from '#io/dynamodb/callerReader.ts';
import { makeHoldStore } from '#io/dynamodb/holdStore.ts';
import { makeIdempotencyStore } from '#io/dynamodb/idempotencyStore.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makeUsageKeeper } from '#io/dynamodb/usageKeeper.ts';
import { guardEngine } from '#io/engines/guardEngine.ts';
import { makeKeyAuthenticator } from '#io/keyAuthenticator.ts';
import { makeNetworkHash } from '#io/networkHash.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makeShadowQueue } from '#io/sqs/shadowQueue.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { makeTokenCounter } from '#io/tokenizers.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { wireEngine } from './engine.ts';
import { type Environment, requireVariable } from './environment.ts';

const TOKENIZERS_LAYER = '/opt/tokenizers';

/** What the chat function works with. */
export function wireChat(env: Environment) {
  const { logger, metrics } = makeObservability(METRICS.unsentEvents.service);
  const dynamoDb = makeDynamoDb();
  const sqs = makeSqs();
  const readSecret = makeSecretReader(env);
  const pepperSecret = requireVariable(env, SECRETS.keyPepper.env);
  const readPeppers = () => readSecret(pepperSecret);
  const idempotencyTable = requireVariable(env, TABLES.idempotency.env);
  const directoryTable = requireVariable(env, TABLES.directory.env);
  const { clock } = systemWorld;
  const priceBooks = makePriceBookSource(dynamoDb, directoryTable, {
    seeds: loadPriceBooks(env, readPriceBooks),
    clock,
  });
  const callers = cacheCallers(makeCallerReader(dynamoDb, directoryTable), clock);
  const directory: CallerDirectory = {
    find: (keyId) => {
      priceBooks.current().catch(() => undefined); // so that no call waits for its caller first, and then for the books
      return callers.find(keyId);
    },
  };
  const ports: InferencePorts = {
    world: systemWorld,
    authenticate: makeKeyAuthenticator({ directory, readPeppers }),
    readModels: async ({ key, models }) => (await callers.renew(key.id))?.models ?? models,
    networkOf: makeNetworkHash(readPeppers),
    priceBooks,
    tokens: makeTokenCounter(env['TUNEGATE_TOKENIZERS_DIR'] ?? TOKENIZERS_LAYER),
    ledger: makeHoldStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    engine: guardEngine(wireEngine(env, readSecret), {
      clock: systemWorld.clock,
      onRest: ({ tenantId, inferenceComponentName }) => {
        logger.error('an engine failed several times in a row and rests', {
          tenantId,
          inferenceComponentName,
        });
        metrics.singleMetric().addMetric(METRICS.enginesResting.name, 'Count', 1);
      },
    }),
    usage: makeDurableUsage(
      makeUsageSink(sqs, requireVariable(env, QUEUES.usage.env)),
      makeUsageKeeper(dynamoDb, idempotencyTable),
      (error) => logger.warn('a usage event was kept, because the queue did not take it', { error }),
    ),
    shadows: makeShadowQueue(sqs, requireVariable(env, QUEUES.shadows.env)),
    idempotency: makeIdempotencyStore(dynamoDb, idempotencyTable),
    log: {
      warn: (message, details) => logger.warn(message, details),
      error: (message, details) => logger.error(message, details),
      unsentUsage: (usageEvent, error) => {
        logger.error('usage event could not be sent: send it again', { usageEvent, error });
        metrics.singleMetric().addMetric(METRICS.unsentEvents.name, 'Count', 1);
      },
    },
  };
  return { ports, logger, metrics, topUpUrl: requireVariable(env, SETTINGS.topUpUrl) };
}
