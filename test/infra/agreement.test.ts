import { DescribeTableCommand, type GlobalSecondaryIndexDescription } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ListQueuesCommand } from '@aws-sdk/client-sqs';
import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayPath } from '#api/gatewayPath.ts';
import { ROUTES, type Route } from '#api/routes.ts';
import { FUNCTIONS, type FunctionDefinition } from '#io/definitions/functions.ts';
import { BUCKETS, QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { createBuckets, createQueues } from '#local/setup/queuesAndBuckets.ts';
import { startTestAws, type TestAws } from '#test/builders/awsService.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { startTestGateway } from '#test/builders/gateway.ts';
import { synthesize, type TemplateResource, type Templates } from '#test/builders/templates.ts';

// What the templates would create on AWS against what the local runtime really created here: each side is read back
// from the thing itself, and neither from the definitions that both were made from.

const ENVIRONMENT = 'tunegate-prod-';
const LOCAL = 'tunegate-';

/** Synthesis is slow on a machine that does other things too. */
const SYNTHESIS_MS = 180_000;

let templates: Templates;
let database: TestDatabase;
let aws: TestAws;
beforeAll(async () => {
  templates = synthesize('prod');
  [database, aws] = await Promise.all([startTestDatabase(), startTestAws()]);
  await createQueues(aws.sqs, aws.url);
  await createBuckets(aws.s3);
}, SYNTHESIS_MS);
afterAll(() => Promise.all([database.stop(), aws.stop()]));

test('tables have the same names, keys and indexes', async () => {
  const synthesized = templates.ofType('AWS::DynamoDB::GlobalTable').map(({ Properties }) => ({
    name: Properties.TableName.replace(ENVIRONMENT, ''),
    keys: Properties.KeySchema,
    attributes: sorted(Properties.AttributeDefinitions),
    indexes: (Properties.GlobalSecondaryIndexes ?? []).map(indexShape),
  }));
  const local = await Promise.all(
    synthesized.map(async ({ name }) => {
      const command = new DescribeTableCommand({ TableName: `${database.prefix}${name}` });
      const { Table } = await database.client.send(command);
      return {
        name,
        keys: Table?.KeySchema,
        attributes: sorted(Table?.AttributeDefinitions ?? []),
        indexes: (Table?.GlobalSecondaryIndexes ?? []).map(indexShape),
      };
    }),
  );
  expect(local).toEqual(synthesized);
  expect(synthesized.map(({ name }) => name)).toEqual(Object.values(TABLES).map(({ name }) => name));
});

test('queues have the same names, waits and dead-letter queues', async () => {
  const byId = new Map(templates.ofType('AWS::SQS::Queue').map((queue) => [queue.logicalId, queue]));
  const synthesized = Object.values(QUEUES).map(({ name }) => {
    const queue = templates
      .ofType('AWS::SQS::Queue')
      .find((q) => q.Properties.QueueName === `${ENVIRONMENT}${name}`);
    const [deadLetters] = queue?.Properties.RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'] ?? [];
    return {
      name,
      waitSeconds: queue?.Properties.VisibilityTimeout,
      keptSeconds: queue?.Properties.MessageRetentionPeriod,
      receives: queue?.Properties.RedrivePolicy.maxReceiveCount,
      deadLetters: byId.get(deadLetters)?.Properties.QueueName.replace(ENVIRONMENT, ''),
    };
  });
  const { QueueUrls = [] } = await aws.sqs.send(new ListQueuesCommand({}));
  const local = await Promise.all(
    Object.values(QUEUES).map(async ({ name }) => {
      const QueueUrl = QueueUrls.find((url) => url.endsWith(`/${LOCAL}${name}`));
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
      const { Attributes = {} } = await aws.sqs.send(command);
      const redrive = JSON.parse(Attributes['RedrivePolicy'] ?? '{}');
      return {
        name,
        waitSeconds: Number(Attributes['VisibilityTimeout']),
        keptSeconds: Number(Attributes['MessageRetentionPeriod']),
        receives: redrive.maxReceiveCount,
        deadLetters: redrive.deadLetterTargetArn?.split(`:${LOCAL}`).at(-1),
      };
    }),
  );
  expect(local).toEqual(synthesized);
  expect(QueueUrls.length).toBe(2 * Object.keys(QUEUES).length);
});

test('buckets are the same', async () => {
  const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand({}));
  const synthesized = templates
    .ofType('AWS::S3::Bucket')
    .flatMap(({ Properties }) => Properties.LoggingConfiguration?.LogFilePrefix?.replace('/', '') ?? []);
  expect(Buckets.map(({ Name }) => Name?.replace(LOCAL, '')).sort()).toEqual(synthesized.sort());
  expect(synthesized).toEqual(
    Object.values(BUCKETS)
      .map(({ name }) => name)
      .sort(),
  );
});

test('each route reaches the same function, with or without the authorizer, streamed or not', async () => {
  const called: string[] = [];
  const answer = (name: string) => (event: unknown) => {
    called.push(`${name} ${(event as APIGatewayProxyEvent).resource}`);
    return { statusCode: 204, body: '' };
  };
  const gateway = await startTestGateway({
    chat: answer('chat'),
    account: answer('account'),
    control: answer('control'),
    files: answer('files'),
    'fine-tuning': answer('fine-tuning'),
    adapters: answer('adapters'),
    'dodo-webhook': answer('dodo-webhook'),
    authorizer: (event) => {
      called.push('authorizer');
      return allow((event as APIGatewayRequestAuthorizerEvent).methodArn);
    },
  });
  const synthesized = synthesizedRoutes();
  const wanted = Object.values<Route>(ROUTES).map(({ method, path }) => `${method} ${gatewayPath(path)}`);
  expect(synthesized.map(({ route }) => route).sort()).toEqual([...new Set(wanted)].sort());
  for (const { route, calls } of synthesized) {
    const [method = '', path = ''] = route.split(' ');
    called.length = 0;
    await fetch(`${gateway.url}${aPathOf(method, path)}`, {
      method,
      headers: { authorization: 'Bearer x' },
    });
    expect({ route, calls: [...called] }).toEqual({ route, calls });
  }
  await gateway.stop();
});

test('each function has the variables, the time and the trigger of its definition', () => {
  for (const [name, definition] of Object.entries<FunctionDefinition>(FUNCTIONS)) {
    const [fn] = templates
      .ofType('AWS::Lambda::Function')
      .filter(({ Properties }) => Properties.FunctionName === `${ENVIRONMENT}${name}`);
    const { tables = {}, buckets = {}, queues = [], secrets = [] } = definition.uses;
    const wanted = [
      ...keys(tables).map((table) => TABLES[table].env),
      ...keys(buckets).map((bucket) => BUCKETS[bucket].env),
      ...queues.map((queue) => QUEUES[queue].env),
      ...secrets.map((secret) => SECRETS[secret].env),
    ];
    expect(Object.keys(fn?.Properties.Environment.Variables ?? {})).toEqual(expect.arrayContaining(wanted));
    expect(fn?.Properties.Timeout).toBe(definition.timeoutSeconds);
    expect(fn?.Properties.MemorySize).toBe(definition.memoryMb);
    expect(triggerOf(fn)).toEqual(expectedTrigger(definition));
  }
});

/** Every method of the template: `POST /chat/completions`, and which functions a call of it runs, in order. */
function synthesizedRoutes(): readonly { readonly route: string; readonly calls: readonly string[] }[] {
  const resources = new Map(templates.ofType('AWS::ApiGateway::Resource').map((r) => [r.logicalId, r]));
  const pathOf = (reference: { Ref?: string }): string => {
    const resource = resources.get(reference.Ref ?? '');
    return resource === undefined
      ? ''
      : `${pathOf(resource.Properties.ParentId)}/${resource.Properties.PathPart}`;
  };
  return templates.ofType('AWS::ApiGateway::Method').map(({ Properties }) => {
    const path = pathOf(Properties.ResourceId);
    const name = functionOf(Properties.Integration.Uri);
    // A streaming handler is called with a stream, which the recording handlers of this test do not take.
    expect(Properties.Integration.ResponseTransferMode).toBe(name === 'chat' ? 'STREAM' : undefined);
    const authorizer = Properties.AuthorizationType === 'CUSTOM' ? ['authorizer'] : [];
    return { route: `${Properties.HttpMethod} ${path}`, calls: [...authorizer, `${name} ${path}`] };
  });
}

/** A path that a route of ours has where API Gateway has this one. */
function aPathOf(method: string, path: string): string {
  const route = Object.values<Route>(ROUTES).find((r) => r.method === method && gatewayPath(r.path) === path);
  return (route?.path ?? path).replace(/\{[^}]+\}/g, 'a');
}

/** The function whose logical id, local or imported, stands in the reference. */
function functionOf(reference: unknown): string {
  const text = JSON.stringify(reference);
  const found = templates.ofType('AWS::Lambda::Function').find(({ logicalId }) => text.includes(logicalId));
  return found?.Properties.FunctionName.replace(ENVIRONMENT, '') ?? text;
}

function triggerOf(fn: TemplateResource | undefined): unknown {
  const id = fn?.logicalId ?? '';
  const mapping = templates
    .ofType('AWS::Lambda::EventSourceMapping')
    .find(({ Properties }) => JSON.stringify(Properties.FunctionName).includes(id))?.Properties;
  const rule = templates
    .ofType('AWS::Events::Rule')
    .find(({ Properties }) => JSON.stringify(Properties.Targets).includes(id))?.Properties;
  if (mapping !== undefined) {
    const { BatchSize, MaximumBatchingWindowInSeconds = 0, ScalingConfig, FunctionResponseTypes } = mapping;
    return [
      BatchSize,
      MaximumBatchingWindowInSeconds,
      ScalingConfig.MaximumConcurrency,
      FunctionResponseTypes,
    ];
  }
  return rule?.ScheduleExpression;
}

function expectedTrigger({ trigger }: FunctionDefinition): unknown {
  if (trigger.kind === 'queue') {
    return [trigger.batchSize, trigger.windowSeconds, trigger.maxConcurrency, ['ReportBatchItemFailures']];
  }
  if (trigger.kind !== 'schedule') return undefined;
  // The CDK writes an hour as `1 hour`.
  return Schedule.rate(Duration.minutes(trigger.everyMinutes)).expressionString;
}

const allow = (methodArn: string) => ({
  principalId: 'test',
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }],
  },
});

const indexShape = (index: GlobalSecondaryIndexDescription) => ({
  name: index.IndexName,
  keys: index.KeySchema,
  projection: index.Projection,
});

const sorted = <T extends { readonly AttributeName?: string | undefined }>(
  attributes: readonly T[],
): readonly T[] =>
  attributes.toSorted((a, b) => (a.AttributeName ?? '').localeCompare(b.AttributeName ?? ''));

const keys = <K extends string>(record: Partial<Record<K, unknown>>): readonly K[] =>
  Object.keys(record) as K[];
