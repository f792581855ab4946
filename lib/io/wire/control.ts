import { parsePeppers } from '#core/tenants/apiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the control routes work with (`#api/control/deps.ts`), of the real drivers. */
export function wireControl(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const readSecret = makeSecretReader(env);
  const deps = {
    world: systemWorld,
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    signing: {
      crypto: nodeCrypto,
      peppers: async () => parsePeppers(await readSecret(requireVariable(env, SECRETS.keyPepper.env))),
    },
    priceBookIds: priceBookIds(env),
  };
  return { deps, log: makeObservability('control') };
}

function priceBookIds(env: Environment): readonly [string, ...string[]] {
  const [first, ...others] = new Set(loadPriceBooks(env).map(({ id }) => id));
  if (first === undefined) throw new Error('there is no price book');
  return [first, ...others];
}
