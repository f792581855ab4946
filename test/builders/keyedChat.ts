import { mintApiKey } from '#core/tenants/apiKey.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { cacheCallers } from '#io/callerCache.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makeKeyAuthenticator } from '#io/keyAuthenticator.ts';
import { systemWorld } from '#io/world.ts';
import { type ChatBench, makeChatBench, testPriceBooks } from './chat.ts';
import type { TestDatabase } from './database.ts';

const PEPPERS = ['a-pepper'] as const;

/** An authenticator as in one warm chat function: it remembers callers by its own clock. */
export const warmFunction = (database: TestDatabase, clock = systemWorld.clock) =>
  makeKeyAuthenticator({
    directory: cacheCallers(makeDirectory(database.client, `${database.prefix}directory`), clock),
    readPeppers: async () => PEPPERS[0],
  });

/** A bench whose caller is found by a real key in a real directory, cached as in the chat function. */
export async function makeKeyedBench(
  database: TestDatabase,
  model: Partial<ModelRoute> = {},
): Promise<ChatBench> {
  const bench = await makeChatBench(database, { model });
  const directory = makeDirectory(database.client, `${database.prefix}directory`);
  const minted = mintApiKey(bench.key.id, { crypto: nodeCrypto, peppers: PEPPERS });
  const audit = () => ({
    id: systemWorld.newId<string>('auditRecord'),
    atMs: 1,
    actor: 'admin',
    action: 'test',
    tenantId: bench.tenant.id,
    reason: 'test',
    details: {},
  });
  await directory.createTenant(bench.tenant, audit());
  await directory.createKey({ ...bench.key, hash: minted.hash }, audit());
  await directory.createModel(bench.model, audit());
  const callers = cacheCallers(directory, systemWorld.clock);
  const authenticate = makeKeyAuthenticator({ directory: callers, readPeppers: async () => PEPPERS[0] });
  const readModels: ChatBench['ports']['readModels'] = async ({ key, models }) =>
    (await callers.renew(key.id))?.models ?? models;
  const priceBooks = makePriceBookSource(database.client, `${database.prefix}directory`, {
    seeds: testPriceBooks(),
    clock: systemWorld.clock,
  });
  return {
    ...bench,
    ports: { ...bench.ports, authenticate, readModels, priceBooks },
    authorization: `Bearer ${minted.text}`,
  };
}
