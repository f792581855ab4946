import { type MessageOutcome, settleUsage, type UsageMessage } from '#core/metering/settleUsage.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSettlementReport, type SettlementReport } from '#io/settlementReport.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

export type SettleUsageParts = {
  readonly settle: (messages: readonly UsageMessage[]) => Promise<readonly MessageOutcome[]>;
  readonly report: SettlementReport;
};

/** The parts of the function that settles usage events. */
export function wireSettleUsage(env: Environment): SettleUsageParts {
  const deps = {
    ledger: makeLedgerStore(makeDynamoDb(), requireVariable(env, TABLES.ledger.env)),
    books: loadPriceBooks(env),
  };
  return {
    settle: (messages) => settleUsage(deps, messages),
    report: makeSettlementReport(makeObservability('settle-usage')),
  };
}
