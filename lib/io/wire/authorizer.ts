import { parsePeppers, parseSecretList } from '#core/tenants/apiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** The authorizer reads the directory uncached: here nothing stands behind it that knows of stopped keys. */
export function wireAuthorizer(env: Environment) {
  const readSecret = makeSecretReader(env);
  const secret = (name: keyof typeof SECRETS) => readSecret(requireVariable(env, SECRETS[name].env));
  return {
    authentication: {
      clock: systemWorld.clock,
      crypto: nodeCrypto,
      directory: makeDirectory(makeDynamoDb(), requireVariable(env, TABLES.directory.env)),
      peppers: async () => parsePeppers(await secret('keyPepper')),
      adminKeys: async () => parseSecretList(await secret('adminKey')),
    },
    log: makeObservability('authorizer'),
  };
}
