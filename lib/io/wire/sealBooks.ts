import { sealBooks } from '#core/statements/sealBooks.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeSealKeys } from '#io/dynamodb/sealKeys.ts';
import { makeStatementBook } from '#io/dynamodb/statementBook.ts';
import { makeObservability } from '#io/observability.ts';
import { reportSeals } from '#io/sealReport.ts';
import { makeSealSigner } from '#io/sealSigner.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what closes the books, stretch by stretch, and signs them. */
export function wireSealBooks(env: Environment) {
  const client = makeDynamoDb();
  const ledgerTable = requireVariable(env, TABLES.ledger.env);
  const observability = makeObservability('seal-books');
  const readSecret = makeSecretReader(env);
  const secretId = requireVariable(env, SECRETS.sealKey.env);
  const deps = {
    book: makeStatementBook(client, ledgerTable),
    directory: makeDirectory(client, requireVariable(env, TABLES.directory.env)),
    sha256: nodeCrypto.sha256Hex,
    clock: systemWorld.clock,
    signer: makeSealSigner(() => readSecret(secretId), makeSealKeys(client, ledgerTable)),
  };
  return {
    ...observability,
    sealBooks: async () => {
      reportSeals(observability, await sealBooks(deps));
    },
  };
}
