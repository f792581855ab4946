import { archiveUsage } from '#core/metering/archiveUsage.ts';
import { reportArchive } from '#io/archiveReport.ts';
import { BUCKETS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeUsageArchive } from '#io/s3/usageArchive.ts';
import { makeDynamoDb, makeS3 } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what copies settled usage into the archive bucket. */
export function wireArchiveUsage(env: Environment) {
  const client = makeDynamoDb();
  const observability = makeObservability('archive-usage');
  const deps = {
    book: makeLedgerStore(client, requireVariable(env, TABLES.ledger.env)),
    directory: makeDirectory(client, requireVariable(env, TABLES.directory.env)),
    archive: makeUsageArchive(makeS3(), requireVariable(env, BUCKETS.archive.env)),
  };
  return {
    ...observability,
    archiveUsage: async () => reportArchive(observability, await archiveUsage(deps)),
  };
}
