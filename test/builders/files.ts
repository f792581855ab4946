import { join } from 'node:path';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import OpenAI from 'openai';
import { makeAuthorizerHandler } from '#api/edge/authorizerHandler.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { dispatchFiles } from '#api/files/dispatchFiles.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import type { CheckMessage, FileIntake } from '#core/files/ports.ts';
import { receiveCheck } from '#core/files/receiveCheck.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDatasetTools } from '#io/datasets/tools.ts';
import { BUCKETS, QUEUES } from '#io/definitions/resources.ts';
import { makeFileStore } from '#io/dynamodb/fileStore.ts';
import { makeFileObjects } from '#io/s3/fileObjects.ts';
import { makeMessageQueue } from '#io/sqs/messageQueue.ts';
import { queueUrl, resourceName } from '#local/services/names.ts';
import { createBuckets, createQueues } from '#local/setup/queuesAndBuckets.ts';
import { ADMIN_KEY, type Agency, startAgency } from './agency.ts';
import { startTestAws, type TestAws } from './awsService.ts';
import { startTestGateway } from './gateway.ts';
import { quietLog } from './http.ts';

const NO_WAIT = 0;

/** Further functions on the same database, S3 and SQS. */
type MoreHandlers = (made: {
  readonly agency: Agency;
  readonly aws: TestAws;
  readonly deps: FileIntake;
}) => Parameters<typeof startTestGateway>[0];

/** The files function and the authorizer behind the local gateway, on a database, S3 and SQS of their own. */
export async function startFileDesk(more: MoreHandlers = () => ({})) {
  const [agency, aws] = await Promise.all([startAgency(), startTestAws()]);
  await createQueues(aws.sqs, aws.url);
  await createBuckets(aws.s3);
  const QueueUrl = queueUrl(aws.url, QUEUES.datasets.name);
  const { world, directory, signing } = agency.deps;
  const tools = makeDatasetTools(join(process.cwd(), 'layers/tokenizers'), 'tunegate-nano');
  const deps: FileIntake = {
    world,
    files: makeFileStore(agency.database.client, `${agency.database.prefix}directory`),
    objects: makeFileObjects(aws.s3, resourceName(BUCKETS.tenantData.name)),
    checks: makeMessageQueue<CheckMessage>(aws.sqs, QueueUrl),
    tools: () => tools,
  };
  const log = quietLog();
  const files = makeHttpHandler({
    ...log,
    maxBodyBytes: FILE_LIMITS.refusedBytes,
    dispatch: (request) => dispatchFiles(deps, request),
  });
  const adminKeys = async () => [ADMIN_KEY];
  const authorizer = makeAuthorizerHandler(
    { clock: world.clock, directory, crypto: nodeCrypto, peppers: signing.peppers, adminKeys },
    log,
  );
  const gateway = await startTestGateway({
    ...more({ agency, aws, deps }),
    files: (event, context) => files(event as APIGatewayProxyEvent, context as Context),
    authorizer: (event, context) => authorizer(event as APIGatewayRequestAuthorizerEvent, context as Context),
  });

  /** Does what the function behind the queue does, with every message that is there; answers how many there were. */
  const checkQueued = async (isLastTry = false): Promise<number> => {
    const { Messages = [] } = await aws.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: NO_WAIT }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      await receiveCheck(deps, { body: Body, isLastTry });
      await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    return Messages.length;
  };
  return {
    agency,
    aws,
    deps,
    log,
    url: gateway.url,
    checkQueued,
    client: (apiKey: string) => new OpenAI({ apiKey, baseURL: gateway.url, maxRetries: 0 }),
    stop: async () => {
      await gateway.stop();
      await Promise.all([agency.stop(), aws.stop()]);
    },
  };
}

/** A form as a browser or an SDK sends it. */
export const form = (fields: Readonly<Record<string, string | File>>) => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
};
