import { watchUsage } from '#core/watch/watchUsage.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeUsageWatch } from '#io/dynamodb/usageWatch.ts';
import { makeObservability } from '#io/observability.ts';
import { reportWatch } from '#io/watchReport.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what looks for unusual use. */
export function wireWatchUsage(env: Environment) {
  const client = makeDynamoDb();
  const { clock } = systemWorld;
  const observability = makeObservability('watch-usage');
  const deps = {
    watch: makeUsageWatch(client, requireVariable(env, TABLES.watch.env), clock),
    ledger: makeLedgerStore(client, requireVariable(env, TABLES.ledger.env)),
    directory: makeDirectory(client, requireVariable(env, TABLES.directory.env)),
    notices: makeNoticeOutbox(client, requireVariable(env, TABLES.billing.env)),
    clock,
  };
  return {
    ...observability,
    watchUsage: async () => reportWatch(observability, await watchUsage(deps)),
  };
}
