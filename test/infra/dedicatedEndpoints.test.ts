import { expect, test } from 'vitest';
import { synthesize } from '#test/builders/templates.ts';

/** Synthesis is slow on a machine that does other things too. */
const SYNTHESIS_MS = 180_000;

test(
  'a tenant’s own endpoint has its own base and instances, and the same functions may call it',
  () => {
    const own = synthesize('prod', {
      dedicatedEndpoints: { acme: { instanceType: 'ml.g5.4xlarge', minCopies: 1 } },
    });
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
  },
  SYNTHESIS_MS,
);
