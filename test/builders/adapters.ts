import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import { dispatchAdapters } from '#api/adapters/dispatchAdapters.ts';
import { makeAuthorizerHandler } from '#api/edge/authorizerHandler.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import type { AdapterEndpoint, DeployDesk, EndpointOverview } from '#core/adapters/ports.ts';
import { receiveMessage } from '#core/adapters/receiveMessage.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { ok } from '#core/shared/result.ts';
import { makeAdapterArchives } from '#io/adapters/adapterArchives.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { BUCKETS, QUEUES } from '#io/definitions/resources.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeAdapterQueue } from '#io/sqs/adapterQueue.ts';
import { queueUrl, resourceName } from '#local/services/names.ts';
import { createBuckets, createQueues } from '#local/setup/queuesAndBuckets.ts';
import { ADMIN_KEY, startAgency } from './agency.ts';
import { adapterArchive } from './archives.ts';
import { startTestAws } from './awsService.ts';
import { startTestGateway } from './gateway.ts';
import { quietLog } from './http.ts';
import { makeTestDesk } from './jobs.ts';

/**
 * The adapters function and the authorizer behind the local gateway, and what the function behind the queue works
 * with, on a database, S3 and SQS of their own. The endpoint is what the test brings.
 */
export async function startAdapterDesk() {
  const [agency, aws] = await Promise.all([startAgency(), startTestAws()]);
  await createQueues(aws.sqs, aws.url);
  await createBuckets(aws.s3);
  const QueueUrl = queueUrl(aws.url, QUEUES.adapters.name);
  const bucket = resourceName(BUCKETS.tenantData.name);
  const { world, directory, signing } = agency.deps;
  const jobs = makeTestDesk(agency.database);
  const failures: unknown[] = [];
  /** Messages wait for no clock: whatever delay they were sent with is over at once. */
  const sent: { readonly message: unknown; readonly delaySeconds: number | undefined }[] = [];
  const queue = makeAdapterQueue(aws.sqs, QueueUrl);
  const desk = (endpoint: AdapterEndpoint): DeployDesk => ({
    world,
    adapters: makeAdapterStore(agency.database.client, `${agency.database.prefix}directory`),
    archives: makeAdapterArchives(aws.s3, bucket),
    queue: {
      send: async (message, delaySeconds) => {
        sent.push({ message, delaySeconds });
        await queue.send(message);
      },
    },
    directory,
    sha256: nodeCrypto.sha256Hex,
    endpoint,
    jobs: { ...jobs.desk, world },
    rollouts: makeRolloutStore(agency.database.client, `${agency.database.prefix}directory`),
    log: () => undefined,
    countFailure: () => failures.push(1),
  });
  const deps = desk(idleEndpoint());
  const log = quietLog();
  const adapters = makeHttpHandler({ ...log, dispatch: (request) => dispatchAdapters(deps, request) });
  const authorizer = makeAuthorizerHandler(
    {
      clock: world.clock,
      directory,
      crypto: nodeCrypto,
      peppers: signing.peppers,
      adminKeys: async () => [ADMIN_KEY],
    },
    log,
  );
  const gateway = await startTestGateway({
    adapters: (event, context) => adapters(event as APIGatewayProxyEvent, context as Context),
    authorizer: (event, context) => authorizer(event as APIGatewayRequestAuthorizerEvent, context as Context),
  });

  const call = async (method: string, path: string, body?: unknown, key: string = ADMIN_KEY) => {
    const response = await fetch(`${gateway.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes, and fail where these differ
    const json: any = await response.json();
    return { status: response.status, body: json };
  };
  /** Opens an upload and posts an archive with its form; answers the upload's id. */
  const upload = async (tenantPath: string, archive: Uint8Array): Promise<string> => {
    const opened = await call('POST', `${tenantPath}/adapters/uploads`, { bytes: archive.length });
    const data = new FormData();
    for (const [name, value] of Object.entries<string>(opened.body.fields)) data.set(name, value);
    data.set('file', new Blob([Buffer.from(archive)]), 'adapter.tar.gz');
    const posted = await fetch(opened.body.url, { method: 'POST', body: data });
    if (!posted.ok) throw new Error(`the storage answered ${posted.status}`);
    return opened.body.id;
  };
  const register = async (tenantPath: string, archive: Uint8Array = adapterArchive(), more: object = {}) =>
    call('POST', `${tenantPath}/adapters`, { upload: await upload(tenantPath, archive), ...more });

  /** Does what the function behind the queue does until the queue is empty; answers how many messages there were. */
  const work = async (worker: DeployDesk, limit = 200): Promise<number> => {
    for (let done = 0; done < limit; done += 1) {
      const { Messages = [] } = await aws.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 0 }),
      );
      const [message] = Messages;
      if (message === undefined) return done;
      await receiveMessage(worker, message.Body ?? '');
      await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
    throw new Error(`the queue is not empty after ${limit} messages`);
  };

  /** The same until looks change nothing for long; the message that waits stays in the queue. */
  const workUntilIdle = async (worker: DeployDesk): Promise<void> => {
    let idle = 0;
    while (idle < IDLE_LOOKS) {
      const { Messages = [] } = await aws.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 0 }),
      );
      const [message] = Messages;
      if (message === undefined) return;
      await sleep(LOOK_MS);
      const { adapterId, tenantId } = JSON.parse(message.Body ?? '');
      const before = await worker.adapters.read(tenantId, adapterId);
      await receiveMessage(worker, message.Body ?? '');
      await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
      const after = await worker.adapters.read(tenantId, adapterId);
      idle = before?.version === after?.version ? idle + 1 : 0;
    }
  };

  return {
    agency,
    aws,
    workUntilIdle,
    bucket,
    url: gateway.url,
    jobs,
    desk,
    deps,
    sent,
    failures,
    call,
    upload,
    register,
    work,
    stop: async () => {
      await gateway.stop();
      await Promise.all([agency.stop(), aws.stop()]);
    },
  };
}

/** Looks that changed nothing, one every so often: more than a component takes to load. */
const IDLE_LOOKS = 20;
const LOOK_MS = 25;

/** An endpoint that a test never comes to. */
const idleEndpoint = (): AdapterEndpoint => scriptedEndpoint().endpoint;

/**
 * An endpoint in memory, for what no endpoint does on request: components that fail, copies of the base that ignore
 * the adapter, creation that is cut off. Everything around it in these tests is real.
 */
export function scriptedEndpoint() {
  const components = new Map<string, { looks: number }>();
  const script = {
    copies: 1,
    /** What copy number `n` answers to an ask. */
    answer: (adapterId: AdapterId | null, question: string, _copy: number) => ({
      model: adapterId ?? 'tunegate-nano',
      text: adapterId === null ? `base ${question}` : `${adapterId} ${question}`,
    }),
    /** How many looks at a component find it creating. */
    creatingLooks: 1,
    failureReason: null as string | null,
    created: 0,
  };
  let asks = 0;
  const endpoint: AdapterEndpoint = {
    describe: async (name) => {
      const component = components.get(name);
      if (component === undefined) return undefined;
      component.looks += 1;
      if (component.looks <= script.creatingLooks) return { status: 'creating', failureReason: null };
      return script.failureReason === null
        ? { status: 'in_service', failureReason: null }
        : { status: 'failed', failureReason: script.failureReason };
    },
    create: async (name) => {
      if (components.has(name)) return ok('exists');
      components.set(name, { looks: 0 });
      script.created += 1;
      return ok('created');
    },
    remove: async (name) => ok(components.delete(name) ? 'removing' : 'gone'),
    copies: async () => script.copies,
    ask: async (adapterId, probe) => {
      asks += 1;
      return ok(script.answer(adapterId, probe.messages.at(-1)?.content ?? '', asks % script.copies));
    },
  };
  const overview: EndpointOverview = {
    list: async () =>
      new Map(
        [...components].map(([name, { looks }]) => [
          name,
          looks < script.creatingLooks ? 'creating' : script.failureReason === null ? 'in_service' : 'failed',
        ]),
      ),
    copies: endpoint.copies,
  };
  return { endpoint, overview, script, components };
}
