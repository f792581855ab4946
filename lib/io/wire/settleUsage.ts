import {
  isHopeless,
  type MessageOutcome,
  settleUsage,
  type UsageMessage,
} from '#core/metering/settleUsage.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { recordArms } from '#core/pricing/recordArms.ts';
import { countVersions } from '#core/routing/countVersions.ts';
import { tallyUsage } from '#core/watch/tallyUsage.ts';
import { QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeArmBook } from '#io/dynamodb/armBook.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeUsageWatch } from '#io/dynamodb/usageWatch.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeRefillWatch } from '#io/refillWatch.ts';
import { reportSettlement } from '#io/settlementReport.ts';
import { makeMessageReturn } from '#io/sqs/messageReturn.ts';
import { makeRefillQueue } from '#io/sqs/refillQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Not at once: the emulator on one machine loses a message that comes back while somebody waits for one. */
const HOPELESS_AGAIN_AFTER_SECONDS = 1;

/** A usage message and the receipt of its delivery. */
export type DeliveredUsage = UsageMessage & { readonly receiptHandle: string };

/** Puts together what settles usage events and says what became of them. */
export function wireSettleUsage(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const sqs = makeSqs();
  const deps = {
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    books: makePriceBookSource(dynamoDb, requireVariable(env, TABLES.directory.env), {
      seeds: loadPriceBooks(env, parsePriceBooks),
      clock: systemWorld.clock,
    }),
  };
  const observability = makeObservability('settle-usage');
  const giveBack = makeMessageReturn(sqs, requireVariable(env, QUEUES.usage.env), {
    afterSeconds: HOPELESS_AGAIN_AFTER_SECONDS,
    onFailure: (error) => observability.logger.warn('usage messages were not given back', { cause: error }),
  });
  const watch = makeRefillWatch(
    {
      ledger: deps.ledger,
      store: makeRefillStore(dynamoDb, requireVariable(env, TABLES.billing.env)),
      queue: makeRefillQueue(sqs, requireVariable(env, QUEUES.refills.env)),
      clock: systemWorld.clock,
    },
    (error) => observability.logger.warn('a refill was not asked for', { cause: error }),
  );
  const versions = makeVersionBook(dynamoDb, requireVariable(env, TABLES.versions.env), systemWorld.clock);
  const arms = makeArmBook(dynamoDb, requireVariable(env, TABLES.versions.env));
  const keyHours = makeUsageWatch(dynamoDb, requireVariable(env, TABLES.watch.env), systemWorld.clock);
  /** By version, by arm and by key, for whoever looks at them. That it fails is no reason to settle anything again. */
  const count = async (outcomes: readonly MessageOutcome[]): Promise<void> => {
    const settled = outcomes.flatMap(({ event, result }) =>
      event !== null && result.ok && result.value.outcome === 'settled' ? event : [],
    );
    await countVersions(versions, settled).catch((cause: unknown) =>
      observability.logger.warn('calls were not counted by version', { cause }),
    );
    await recordArms(arms, settled).catch((cause: unknown) =>
      observability.logger.warn('arms of experiments were not written down', { cause }),
    );
    const tallies = [...tallyUsage(settled)].map(([tenantId, hours]) => keyHours.add(tenantId, hours));
    await Promise.all(tallies).catch((cause: unknown) =>
      observability.logger.warn('calls were not counted by key', { cause }),
    );
  };
  return {
    ...observability,
    settle: async (messages: readonly DeliveredUsage[]): Promise<readonly MessageOutcome[]> => {
      const outcomes = await settleUsage(deps, messages);
      reportSettlement(observability, outcomes);
      // No wait will cure these: their deliveries pass quickly, and the dead-letter queue shows them within seconds.
      const hopeless = new Set(outcomes.filter(isHopeless).map(({ messageId }) => messageId));
      await giveBack(messages.filter(({ id }) => hopeless.has(id)).map(({ receiptHandle }) => receiptHandle));
      await watch(
        outcomes.flatMap(({ tenantId, result }) => (tenantId !== null && result.ok ? tenantId : [])),
      );
      await count(outcomes);
      return outcomes;
    },
    /** Logs what stopped a batch as a whole; a refusal of one message was logged with its outcome. */
    reportStopped: (reason: unknown): void => {
      if (reason instanceof Error) observability.logger.error('usage batch stopped', reason);
    },
  };
}
