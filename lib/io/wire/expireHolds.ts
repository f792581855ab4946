import { sweepAccounts } from '#core/ledger/sweepAccounts.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeSweepLog } from '#io/dynamodb/ledgerSweeps.ts';
import { makeObservability } from '#io/observability.ts';
import { reportSweep } from '#io/sweepReport.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts the sweeper of holds and expired credits together. */
export function wireExpireHolds(env: Environment) {
  const client = makeDynamoDb();
  const ledgerTable = requireVariable(env, TABLES.ledger.env);
  const observability = makeObservability('expire-holds');
  const deps = {
    ledger: makeLedgerStore(client, ledgerTable),
    directory: makeDirectory(client, requireVariable(env, TABLES.directory.env)),
    sweepLog: makeSweepLog(client, ledgerTable),
    clock: systemWorld.clock,
  };
  return {
    ...observability,
    expireHolds: async () => reportSweep(observability, await sweepAccounts(deps)),
  };
}
