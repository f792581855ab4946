import { type MessageOutcome, settleUsage, type UsageMessage } from '#core/metering/settleUsage.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { reportSettlement } from '#io/settlementReport.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what settles usage events and says what became of them. */
export function wireSettleUsage(env: Environment) {
  const deps = {
    ledger: makeLedgerStore(makeDynamoDb(), requireVariable(env, TABLES.ledger.env)),
    books: loadPriceBooks(env),
  };
  const observability = makeObservability('settle-usage');
  return {
    ...observability,
    settle: async (messages: readonly UsageMessage[]): Promise<readonly MessageOutcome[]> => {
      const outcomes = await settleUsage(deps, messages);
      reportSettlement(observability, outcomes);
      return outcomes;
    },
    /** Logs what stopped a batch as a whole; a refusal of one message was logged with its outcome. */
    reportStopped: (reason: unknown): void => {
      if (reason instanceof Error) observability.logger.error('usage batch stopped', reason);
    },
  };
}
