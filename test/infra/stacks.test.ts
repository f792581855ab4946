import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { findEnvironment } from '#infra/environments.ts';
import { roleStatements, synthesize, type Templates } from '#test/builders/templates.ts';

let prod: Templates;
let dev: Templates;
beforeAll(() => {
  prod = synthesize('prod');
  dev = synthesize('dev');
}, 180_000); // synthesis is slow on a machine that does other things too

describe('least privilege', () => {
  /** Actions that AWS gives no resources to, each with why we need it. */
  const WITHOUT_RESOURCE: Readonly<Record<string, string>> = {
    'xray:PutTraceSegments': 'tracing has no resources',
    'xray:PutTelemetryRecords': 'tracing has no resources',
    'sagemaker:ListInferenceComponents': 'lists have no resources',
    'ecr:GetAuthorizationToken': 'the registry login has no resources',
    'cloudwatch:PutMetricData': 'metrics have no resources; bound to a namespace',
  };
  const statements = () => roleStatements(prod);

  test('no role is given a wildcard action', () => {
    const wild = statements().filter(({ Action }) => [Action].flat().some((action) => action.includes('*')));
    expect(wild).toEqual([]);
  });

  test('a role is given all resources only for actions that have none', () => {
    const wild = statements()
      .filter(({ Resource }) => [Resource].flat().includes('*'))
      .flatMap(({ role, Action }) =>
        [Action].flat().flatMap((action) => (action in WITHOUT_RESOURCE ? [] : [`${role}: ${action}`])),
      );
    expect(wild).toEqual([]);
  });

  test('a wildcard within a resource stands behind a prefix of ours', () => {
    const wild = statements().flatMap(({ role, Resource }) =>
      [Resource]
        .flat()
        .map((resource) => JSON.stringify(resource))
        .filter((resource) => resource !== '"*"' && resource.includes('*'))
        .filter(
          (resource) =>
            !/(usage\/|bases\/|code\/training\/|tenants\/|tenants\/\*\/adapters\/|tenants\/\$\{aws:PrincipalTag\/tunegate-tenant\}\/training\/\$\{aws:PrincipalTag\/tunegate-job\}\/(output\/|checkpoints\/)?|inference-component\/adp-|training-job\/tunegate-prod-(ftjob|\$\{aws:PrincipalTag\/tunegate-job\})-|log-group:\/aws\/sagemaker\/TrainingJobs:|secret:tunegate-prod-engine-)\*/.test(
              resource,
            ),
        )
        .map((resource) => `${role}: ${resource}`),
    );
    expect(wild).toEqual([]);
  });

  test('only chat, shadow-call and what proves adapters may call the model, and only our endpoint', () => {
    const callers = statements().filter(({ Action }) => [Action].flat().includes('sagemaker:InvokeEndpoint'));
    expect(callers.map(({ role, Action }) => [role, [Action].flat().length]).sort()).toEqual([
      ['chat', 2],
      ['deployadapter', 1], // asks without streams
      ['shadowcall', 2],
    ]);
    expect(JSON.stringify(callers)).toContain(':endpoint/tunegate-prod-inference');
  });

  test('each secret is read by those who work with it alone, and what clients reach reads none of the agency’s', () => {
    const readers = (secret: string) =>
      statements()
        .filter(({ Action }) => [Action].flat().includes('secretsmanager:GetSecretValue'))
        .filter(({ Resource }) => JSON.stringify(Resource).includes(`Ref${secret}Secret`))
        .map(({ role }) => role)
        .sort();
    expect(readers('adminKey')).toEqual(['authorizer']);
    expect(readers('keyPepper')).toEqual(['applysubscription', 'authorizer', 'chat', 'control']);
    expect(readers('sealKey')).toEqual(['control', 'sealbooks']);
    expect(readers('noticeKey')).toEqual(['control', 'sendnotices']);
  });

  test('only one function makes and removes adapters, and touches no base', () => {
    const makers = statements().filter(({ Action }) =>
      [Action].flat().some((action) => /(Create|Delete|Update)InferenceComponent/.test(action)),
    );
    expect(new Set(makers.map(({ role }) => role))).toEqual(new Set(['deployadapter']));
    expect(JSON.stringify(makers)).not.toMatch(/inference-component\/tunegate/);
  });

  test('only chat, account, control and what settles, sells, refills, trains, ends trainings, sweeps, archives, seals and slows may write to the ledger', () => {
    const writers = statements()
      .filter(
        ({ Action, Resource }) =>
          Action.includes('dynamodb:PutItem') && /ledgerTable/.test(JSON.stringify(Resource)),
      )
      .map(({ role }) => role);
    expect(writers.sort()).toEqual([
      'account',
      'applydunning',
      'applypayment',
      'applysubscription',
      'archiveusage',
      'chat',
      'control',
      'deployadapter',
      'expireholds',
      'finetuning',
      'grantfreecredits',
      'reconciletraining',
      'refillcredits',
      'reportusage',
      'sealbooks',
      'settleusage',
      'starttraining',
      'trainingevents',
      'watchusage',
    ]);
  });
});

describe('what must not be lost', () => {
  const STATEFUL = [
    'AWS::DynamoDB::GlobalTable',
    'AWS::S3::Bucket',
    'AWS::KMS::Key',
    'AWS::SecretsManager::Secret',
  ];

  test('production keeps tables, buckets, keys and secrets when their stack goes', () => {
    const lost = STATEFUL.flatMap((type) => prod.ofType(type)).filter((r) => r.DeletionPolicy !== 'Retain');
    expect(lost.map((r) => r.logicalId)).toEqual([]);
    expect(STATEFUL.map((type) => prod.ofType(type).length)).toEqual([7, 3, 2, 5]);
  });

  test('production keeps its queues, whose messages are promises', () => {
    const kept = prod.ofType('AWS::SQS::Queue').filter((r) => r.DeletionPolicy === 'Retain');
    expect(kept.map((r) => r.Properties.QueueName).sort()).toEqual([
      'tunegate-prod-adapters',
      'tunegate-prod-adapters-dlq',
      'tunegate-prod-datasets',
      'tunegate-prod-datasets-dlq',
      'tunegate-prod-payments',
      'tunegate-prod-payments-dlq',
      'tunegate-prod-reconciliations',
      'tunegate-prod-reconciliations-dlq',
      'tunegate-prod-refills',
      'tunegate-prod-refills-dlq',
      'tunegate-prod-shadows',
      'tunegate-prod-shadows-dlq',
      'tunegate-prod-subscriptions',
      'tunegate-prod-subscriptions-dlq',
      'tunegate-prod-training',
      'tunegate-prod-training-dlq',
      'tunegate-prod-training-events',
      'tunegate-prod-training-events-dlq',
      'tunegate-prod-usage',
      'tunegate-prod-usage-dlq',
    ]);
  });

  test('production tables are protected, restorable to a moment and encrypted with our key', () => {
    for (const { Properties } of prod.ofType('AWS::DynamoDB::GlobalTable')) {
      const [replica] = Properties.Replicas;
      expect(replica.DeletionProtectionEnabled).toBe(true);
      expect(replica.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
      expect(replica.SSESpecification.KMSMasterKeyId).toBeDefined();
    }
    expect(prod.protection['tunegate-prod-data']).toBe(true);
  });

  test('a development environment can be taken down without a trace', () => {
    const kept = dev.resources.filter((r) => r.DeletionPolicy === 'Retain');
    expect(kept.map((r) => r.Type)).toEqual(['AWS::IAM::Role', 'AWS::ApiGateway::Account']);
    expect(dev.protection['tunegate-dev-data']).toBe(false);
  });

  test('every key rotates', () => {
    for (const { Properties } of prod.ofType('AWS::KMS::Key'))
      expect(Properties.EnableKeyRotation).toBe(true);
  });
});

describe('failures are seen', () => {
  test('every queue has a dead-letter queue or is one', () => {
    const bare = prod
      .ofType('AWS::SQS::Queue')
      .filter(
        ({ Properties }) => Properties.RedrivePolicy === undefined && !Properties.QueueName.endsWith('-dlq'),
      );
    expect(bare).toEqual([]);
  });

  test('every dead-letter queue has an alarm', () => {
    const alarms = JSON.stringify(
      prod.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.AlarmName),
    );
    for (const { Properties } of prod.ofType('AWS::SQS::Queue')) {
      const name: string = Properties.QueueName;
      if (name.endsWith('-dlq')) expect(alarms).toContain(name.replace(/-dlq$/, '-dead-letters'));
    }
  });

  test('every alarm leads to a section of the runbook that exists', () => {
    const headings = readFileSync('docs/runbook.md', 'utf8').matchAll(/^## (.+)$/gm);
    const anchors = new Set([...headings].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-')));
    const alarms = prod.ofType('AWS::CloudWatch::Alarm');
    const linked = alarms.flatMap(({ Properties }) => {
      const anchor = /Runbook: \S+#([a-z0-9-]+)$/.exec(Properties.AlarmDescription ?? '')?.[1];
      return anchor === undefined ? [] : [anchor];
    });
    expect(linked.length).toBe(alarms.length);
    expect(linked.filter((anchor) => !anchors.has(anchor))).toEqual([]);
    expect([...anchors].filter((anchor) => !linked.includes(anchor))).toEqual([]);
  });

  test('every function traces, and keeps its log for a set time', () => {
    const functions = prod.ofType('AWS::Lambda::Function');
    expect(functions.map(({ Properties }) => Properties.TracingConfig?.Mode)).toEqual(
      functions.map(() => 'Active'),
    );
    for (const { Properties } of prod.ofType('AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays).toBe(365);
  });
});

describe('the API', () => {
  test('answers each of its own refusals in the form of our errors', () => {
    const answers = prod.ofType('AWS::ApiGateway::GatewayResponse');
    const byType = new Map(answers.map(({ Properties }) => [Properties.ResponseType, Properties]));
    const read = (type: string) => ({
      status: byType.get(type)?.StatusCode,
      code: JSON.parse(byType.get(type)?.ResponseTemplates['application/json'] ?? '{}').error?.code,
    });
    expect(read('UNAUTHORIZED')).toEqual({ status: '401', code: 'invalid_api_key' });
    expect(read('ACCESS_DENIED')).toEqual({ status: '403', code: 'insufficient_scope' });
    expect(read('MISSING_AUTHENTICATION_TOKEN')).toEqual({ status: '404', code: 'not_found' });
    expect(read('REQUEST_TOO_LARGE')).toEqual({ status: '413', code: 'request_too_large' });
    expect(read('THROTTLED')).toEqual({ status: '429', code: 'rate_limit_exceeded' });
    expect(read('DEFAULT_5XX')).toEqual({ status: undefined, code: 'temporarily_unavailable' });
    for (const { Properties } of answers) {
      expect(Properties.ResponseParameters['gatewayresponse.header.x-request-id']).toBe('context.requestId');
    }
  });

  test('logs no header, query or body', () => {
    const [stage] = prod.ofType('AWS::ApiGateway::Stage');
    expect(stage?.Properties.AccessLogSetting.Format).not.toMatch(/header|query|body|context\.path/i);
    expect(stage?.Properties.MethodSettings[0].DataTraceEnabled).toBe(false);
  });

  test('asks the authorizer for every call: no cached answer outlives a revoked key', () => {
    const [authorizer] = prod.ofType('AWS::ApiGateway::Authorizer');
    expect(authorizer?.Properties.AuthorizerResultTtlInSeconds).toBe(0);
  });

  test('lets large chats through the firewall', () => {
    const [acl] = prod.ofType('AWS::WAFv2::WebACL');
    const common = acl?.Properties.Rules.find(
      (rule: { Name: string }) => rule.Name === 'AWSManagedRulesCommonRuleSet',
    );
    expect(common.Statement.ManagedRuleGroupStatement.RuleActionOverrides).toContainEqual({
      Name: 'SizeRestrictions_BODY',
      ActionToUse: { Count: {} },
    });
  });
});

describe('environments', () => {
  test.for([undefined, 'pord', 'constructor', 3])(
    'refuses the environment %s and lists those there are',
    (name) => {
      expect(() => findEnvironment(name)).toThrow(/no environment .*: add -c env=dev or -c env=prod/);
    },
  );

  test('the model sleeps when nobody calls', () => {
    const [config] = prod.ofType('AWS::SageMaker::EndpointConfig');
    expect(config?.Properties.ProductionVariants[0].ManagedInstanceScaling.MinInstanceCount).toBe(0);
    const [target] = prod.ofType('AWS::ApplicationAutoScaling::ScalableTarget');
    expect(target?.Properties.MinCapacity).toBe(0);
  });
});

describe('the serving container', () => {
  const settings = findEnvironment('prod').inference;
  const container = () => prod.ofType('AWS::SageMaker::Model')[0]?.Properties.PrimaryContainer;

  test('is told what containers/serving/README.md says, and nothing else', () => {
    const readme = readFileSync('containers/serving/README.md', 'utf8');
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| `([^`]+)`/gmu)].map(([, name = '', value = '']) => {
      const setting = Object.entries(settings).find(([key]) => value === `inference.${key}`);
      return [name, setting === undefined ? value : String(setting[1])];
    });
    expect(container().Environment).toEqual(Object.fromEntries(rows));
  });

  test('keeps as many adapters in memory as on the GPU, or more', () => {
    const { SM_VLLM_MAX_LORAS: onGpu, SM_VLLM_MAX_CPU_LORAS: inMemory } = container().Environment;
    expect(Number(onGpu)).toBeGreaterThan(0);
    expect(Number(inMemory)).toBeGreaterThanOrEqual(Number(onGpu));
  });
});
