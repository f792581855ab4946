import * as z from 'zod/mini';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import type { JobIntake } from '#core/training/ports.ts';
import { LORA_RANKS } from '#core/training/types.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { BUCKETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeFileStore } from '#io/dynamodb/fileStore.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeFileObjects } from '#io/s3/fileObjects.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeS3 } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';
import { makeJobDesk } from './jobs.ts';

const Rank = z.coerce.number().check(z.int(), z.gte(LORA_RANKS[0]));

/** The highest rank that can be trained and that the endpoint serves too. */
const highestRank = (served: number) => LORA_RANKS.findLast((rank) => rank <= served) ?? LORA_RANKS[0];

/** What the fine-tuning routes work with. */
export function wireFineTuning(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const directory = requireVariable(env, TABLES.directory.env);
  const deps = {
    ...makeJobDesk(env),
    books: makePriceBookSource(dynamoDb, directory, {
      seeds: loadPriceBooks(env, parsePriceBooks),
      clock: systemWorld.clock,
    }),
    files: makeFileStore(dynamoDb, directory),
    objects: makeFileObjects(makeS3(), requireVariable(env, BUCKETS.tenantData.env)),
    directory: makeDirectory(dynamoDb, directory),
    maxRank: highestRank(Rank.parse(requireVariable(env, SETTINGS.maxLoraRank))),
    topUpUrl: requireVariable(env, SETTINGS.topUpUrl),
    sha256: nodeCrypto.sha256Hex,
  } satisfies JobIntake & { readonly topUpUrl: string; readonly sha256: (text: string) => string };
  return { deps, log: makeObservability('fine-tuning') };
}
