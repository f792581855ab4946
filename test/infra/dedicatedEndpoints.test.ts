import { beforeAll, expect, test } from 'vitest';
import { readEndpointPrices } from '#io/awsCosts/endpointPrices.ts';
import { roleStatements, synthesize, type Templates } from '#test/builders/templates.ts';

/** Synthesis is slow on a machine that does other things too. */
const SYNTHESIS_MS = 180_000;

let own: Templates;
beforeAll(() => {
  own = synthesize('prod', {
    dedicatedEndpoints: { acme: { instanceType: 'ml.g5.4xlarge', instanceUsdPerHour: 2, minCopies: 1 } },
    awsExport: { bucket: 'cur', prefix: 'exports/' },
  });
}, SYNTHESIS_MS);

test('a tenant’s own endpoint has its own base and instances, and the same functions may call it', () => {
  const named = (type: string, property: string) =>
    own.ofType(type).map(({ Properties }) => Properties[property]);
  expect(named('AWS::SageMaker::Endpoint', 'EndpointName')).toEqual([
    'tunegate-prod-inference',
    'tunegate-prod-inference-acme',
  ]);
  expect(named('AWS::SageMaker::InferenceComponent', 'InferenceComponentName')).toEqual([
    'tunegate-nano',
    'tunegate-nano-acme',
  ]);
  const variants = own
    .ofType('AWS::SageMaker::EndpointConfig')
    .map((c) => c.Properties.ProductionVariants[0]);
  expect(variants.map((v) => [v.InstanceType, v.ManagedInstanceScaling.MinInstanceCount])).toEqual([
    ['ml.g5.2xlarge', 0],
    ['ml.g5.4xlarge', 1],
  ]);
  const callers = own
    .ofType('AWS::IAM::Policy')
    .filter(({ Properties }) =>
      JSON.stringify(Properties).includes(':endpoint/tunegate-prod-inference-acme'),
    );
  expect(callers.map(({ logicalId }) => logicalId.replace(/Role.*/, '')).sort()).toEqual([
    'chat',
    'deployadapter',
    'shadowcall',
  ]);
  const alarms = named('AWS::CloudWatch::Alarm', 'AlarmName');
  expect(alarms).toContain('tunegate-nano-acme-wake-up');
});

test('the reconciliation alone reads AWS’s export, and nothing else of its bucket, and knows what endpoints cost', () => {
  const reading = roleStatements(own).filter((statement) =>
    JSON.stringify(statement).includes('arn:aws:s3:::cur'),
  );
  expect(reading).toMatchObject([
    {
      role: 'reconcilebooks',
      Action: 's3:GetObject',
      Resource: expect.arrayContaining(['arn:aws:s3:::cur/exports/*']),
    },
    {
      role: 'reconcilebooks',
      Action: 's3:ListBucket',
      Resource: 'arn:aws:s3:::cur',
      Condition: { StringLike: { 's3:prefix': 'exports/*' } },
    },
  ]);
  const [variables] = own
    .ofType('AWS::Lambda::Function')
    .map(({ Properties }) => Properties.Environment?.Variables ?? {})
    .filter((found) => 'AWS_EXPORT_BUCKET' in found);
  expect(variables).toMatchObject({ AWS_EXPORT_BUCKET: 'cur', AWS_EXPORT_PREFIX: 'exports/' });
  expect(readEndpointPrices(variables.INFERENCE_ENDPOINT_PRICES)).toEqual([
    { name: 'tunegate-prod-inference', microUsdPerHour: 1_520_000, maxInstances: 4 },
    { name: 'tunegate-prod-inference-acme', microUsdPerHour: 2_000_000, maxInstances: 4 },
  ]);
});
