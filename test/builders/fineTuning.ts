import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { dispatchFineTuning, type FineTuningDeps } from '#api/fineTuning/dispatchFineTuning.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { QUEUES } from '#io/definitions/resources.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeMessageQueue } from '#io/sqs/messageQueue.ts';
import { queueUrl } from '#local/services/names.ts';
import { TOP_UP_URL } from './agency.ts';
import { bytesOf, chatLine } from './datasets.ts';
import { startFileDesk } from './files.ts';
import { booksOf, fixedBooks } from './prices.ts';

/** Ten credits a million training tokens, in the book that new tenants have. */
const BOOKS = booksOf({
  id: 'per-call',
  version: 1,
  effectiveFrom: '2020-01-01T00:00:00Z',
  prices: [{ model: '*', perRequest: '0.001', perMillionTrainingTokens: '10' }],
});

/** Files and fine-tuning behind the local gateway, on a database, S3 and SQS of their own. */
export async function startFineTuningDesk() {
  const made: { deps?: FineTuningDeps } = {};
  const desk = await startFileDesk(({ agency, aws, deps: { files, objects } }) => {
    const { client, prefix } = agency.database;
    const deps: FineTuningDeps = {
      world: agency.deps.world,
      jobs: makeJobStore(client, `${prefix}training`),
      ledger: makeLedgerStore(client, `${prefix}ledger`),
      books: fixedBooks(BOOKS),
      slots: { perTenant: 1, overall: 2 },
      queue: makeMessageQueue(aws.sqs, queueUrl(aws.url, QUEUES.training.name)),
      files,
      objects,
      directory: agency.deps.directory,
      maxRank: 16,
      topUpUrl: TOP_UP_URL,
      sha256: nodeCrypto.sha256Hex,
      countFailure: () => undefined,
    };
    made.deps = deps;
    const handle = makeHttpHandler({
      logger: { info: () => undefined, error: (message, fields) => console.error(message, fields) },
      metrics: {
        addDimension: () => undefined,
        addMetric: () => undefined,
        publishStoredMetrics: () => undefined,
      },
      dispatch: (request) => dispatchFineTuning(deps, request),
    });
    return {
      'fine-tuning': (event, context) => handle(event as APIGatewayProxyEvent, context as Context),
    };
  });
  if (made.deps === undefined) throw new Error('the functions were not made');
  return { ...desk, jobs: made.deps };
}

/** A tiny intent set: `count` questions of three classes. */
export const intents = (count: number): Buffer =>
  bytesOf(
    ...Array.from({ length: count }, (_, i) =>
      chatLine(
        `${['where is parcel', 'refund order', 'cancel plan'][i % 3]} ${i}`,
        ['ship', 'refund', 'cancel'][i % 3] ?? '',
      ),
    ),
  );
