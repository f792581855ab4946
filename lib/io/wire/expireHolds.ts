import { sweepAccounts } from '#core/ledger/sweepAccounts.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeSweepLog } from '#io/dynamodb/ledgerSweeps.ts';
import { makeLostCalls } from '#io/dynamodb/reconciliationStore.ts';
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
  const lostCalls = makeLostCalls(client, requireVariable(env, TABLES.billing.env));
  return {
    ...observability,
    expireHolds: async () => {
      const startedAtMs = systemWorld.clock();
      const reports = await sweepAccounts(deps);
      reportSweep(observability, reports);
      // All that the gateway leaves of a call whose event never comes: reconciliation asks what became of it.
      const lost = reports.flatMap((report) =>
        report.outcome === 'swept'
          ? report.holds.map((holdId) => ({ tenantId: report.tenantId, holdId }))
          : [],
      );
      await lostCalls.note(lost, startedAtMs);
    },
  };
}
