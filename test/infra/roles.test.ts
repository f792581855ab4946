import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { archiveKey } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { testId } from '#test/builders/ledger.ts';
import { roleStatements, synthesize, type Templates } from '#test/builders/templates.ts';

const SYNTHESIS_MS = 180_000;
const OWN =
  'tenants/$' + '{aws:PrincipalTag/tunegate-tenant}/training/$' + '{aws:PrincipalTag/tunegate-job}/';

let dev: Templates;
beforeAll(() => {
  dev = synthesize('dev');
}, SYNTHESIS_MS);

const of = (role: string) =>
  roleStatements(dev)
    .filter((statement) => statement.role === role)
    .map(({ role: _, ...statement }) => statement);
const trustOf = (logicalId: string) =>
  dev.ofType('AWS::IAM::Role').find((role) => role.logicalId.startsWith(logicalId))?.Properties
    .AssumeRolePolicyDocument.Statement;
/** Keys of objects that an action of a role reaches. */
const keysOf = (role: string, action: string): readonly string[] =>
  of(role)
    .filter(({ Action }) => [Action].flat().includes(action))
    .flatMap(({ Resource }) => [Resource].flat())
    .map((resource) => resource['Fn::Join']?.[1].slice(1).join('').replace(/^\//, ''))
    .sort();

describe('a training job', () => {
  test('reaches bases, its program and the one prefix that its session’s tags name', () => {
    expect(keysOf('Job', 's3:GetObject')).toEqual(['bases/*', 'code/training/*', `${OWN}*`]);
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'])
      expect(keysOf('Job', action)).toEqual([`${OWN}checkpoints/*`, `${OWN}output/*`]);
    const lists = of('Job').filter(({ Action }) => Action === 's3:ListBucket');
    expect(lists.map(({ Condition }) => Condition)).toEqual([
      { StringLike: { 's3:prefix': ['bases/*', 'code/training/*', `${OWN}*`] } },
    ]);
  });

  test('is taken by SageMaker alone, of this account, with the tags of the session that created it', () => {
    const trust = trustOf('JobRole');
    expect(trust.flatMap(({ Action }: { Action: readonly string[] }) => Action)).toEqual([
      'sts:AssumeRole',
      'sts:TagSession',
    ]);
    for (const { Principal, Condition } of trust) {
      expect(Principal).toEqual({ Service: 'sagemaker.amazonaws.com' });
      expect(Condition).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
    }
  });
});

describe('what creates training jobs', () => {
  test('is a role of its own, taken by one function that must say whose job it is', () => {
    for (const { Principal, Condition } of trustOf('JobCreator')) {
      expect(JSON.stringify(Principal)).toMatch(/starttrainingRole/);
      expect(Condition).toEqual({
        StringLike: {
          'aws:RequestTag/tunegate-tenant': 'ten_*',
          'aws:RequestTag/tunegate-job': 'ftjob-*',
        },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['tunegate-tenant', 'tunegate-job'] },
      });
    }
    const assuming = roleStatements(dev).filter(({ Action }) => [Action].flat().includes('sts:AssumeRole'));
    expect(assuming.map(({ role }) => role)).toEqual(['starttraining']);
  });

  test('creates attempts of that one job, without a network and on the one kind of instance, and no function does so by itself', () => {
    const creating = roleStatements(dev).filter(({ Action }) =>
      [Action].flat().includes('sagemaker:CreateTrainingJob'),
    );
    expect(creating).toMatchObject([
      {
        role: 'JobCreator',
        Condition: {
          Bool: { 'sagemaker:NetworkIsolation': 'true' },
          'ForAllValues:StringEquals': { 'sagemaker:InstanceTypes': 'ml.g5.xlarge' },
        },
      },
    ]);
    expect(JSON.stringify(creating)).toContain(
      'training-job/tunegate-dev-$' + '{aws:PrincipalTag/tunegate-job}-*',
    );
    const passing = roleStatements(dev).filter(({ Action }) => Action === 'iam:PassRole');
    expect(
      passing.filter(({ Resource }) => JSON.stringify(Resource).includes('JobRole')).map(({ role }) => role),
    ).toEqual(['JobCreator']);
  });
});

test('what serves reads base models and the archives of adapters, and no export with its dataset', () => {
  expect(keysOf('Shared', 's3:GetObject')).toEqual(['bases/*', 'tenants/*/adapters/*/adapter.tar.gz']);
  // The name under which the registry keeps what serves.
  const adapter = { tenantId: testId<TenantId>('tenant', 'one'), id: testId<AdapterId>('adapter', 'one') };
  expect(archiveKey(adapter)).toMatch(/^tenants\/[^/]+\/adapters\/[^/]+\/adapter\.tar\.gz$/);
});

describe('a function', () => {
  const doing = (action: string) =>
    roleStatements(dev).filter(({ Action }) => [Action].flat().includes(action));
  const rolesOn = (table: string, action: string) =>
    doing(action)
      .filter(({ Resource }) => JSON.stringify(Resource).includes(`${table}Table`))
      .map(({ role }) => role)
      .sort();
  /** `files read, uploads read` of each role: the folders of tenants' data in which it does something. */
  const foldersOf = (action: string) => {
    const found = doing(action).flatMap(({ role, Resource }) =>
      [Resource].flat().flatMap((resource) => {
        const [, folder] =
          /tenants\/\*\/([a-z-]+(?:\/\*\/[a-z-]+)?)\/\*"/.exec(JSON.stringify(resource)) ?? [];
        return folder === undefined ? [] : [`${role} ${folder}`];
      }),
    );
    return [...new Set(found)].sort();
  };

  test('takes nothing out of the account books, and out of other tables only what it made there to be taken out', () => {
    for (const action of ['dynamodb:DeleteItem', 'dynamodb:BatchWriteItem']) {
      expect(rolesOn('ledger', action)).toEqual(['reportusage']); // uses that are on the meter, from its outbox
      expect(rolesOn('directory', action)).toEqual(['control', 'deployadapter', 'files']);
      expect(rolesOn('idempotency', action)).toEqual(['chat', 'resendusage']);
      expect(rolesOn('training', action)).toEqual([
        'deployadapter',
        'finetuning',
        'reconciletraining',
        'starttraining',
        'trainingevents',
      ]);
      for (const table of ['billing', 'versions', 'watch']) expect(rolesOn(table, action)).toEqual([]);
    }
  });

  test('only queries an index, and what answers calls lists no tenants at all', () => {
    const onIndexes = roleStatements(dev).filter(({ Resource }) =>
      JSON.stringify(Resource).includes('/index/'),
    );
    expect(new Set(onIndexes.map(({ Action }) => Action))).toEqual(new Set(['dynamodb:Query']));
    const listing = new Set(onIndexes.map(({ role }) => role));
    for (const role of ['chat', 'authorizer', 'shadowcall']) expect(listing).not.toContain(role);
    expect(listing).toContain('control');
  });

  test('works in its own folders of tenants’ data, and deletes only what clients put there, and checkpoints', () => {
    expect(foldersOf('s3:DeleteObject')).toEqual([
      'adapters adapter-uploads',
      'checkdataset files',
      'deployadapter training/*/checkpoints',
      'files files',
      'files uploads',
    ]);
    expect(foldersOf('s3:PutObject')).toEqual([
      'adapters adapter-uploads',
      'adapters adapters',
      'checkdataset files',
      'deployadapter adapters',
      'files files',
      'files uploads',
      'starttraining training',
    ]);
    expect(foldersOf('s3:GetObject')).toEqual([
      'adapters adapter-uploads',
      'adapters adapters',
      'adapters training',
      'checkdataset files',
      'deployadapter adapters',
      'deployadapter training',
      'files files',
      'files uploads',
      'finetuning files',
      'finetuning training',
      'reconciletraining training',
      'starttraining files',
      'starttraining training',
      'trainingevents training',
    ]);
    for (const { Condition } of doing('s3:ListBucket'))
      expect([Condition.StringLike['s3:prefix']].flat()).not.toContain('tenants/*');
  });

  test('encrypts messages with data keys alone', () => {
    const onMessages = roleStatements(dev).filter((statement) =>
      JSON.stringify(statement.Resource).includes('MessageKey'),
    );
    const actions = new Set(onMessages.flatMap(({ Action }) => [Action].flat()));
    expect(actions).toEqual(new Set(['kms:Decrypt', 'kms:GenerateDataKey']));
  });
});

test('alarms are heard: CloudWatch may publish to their topic, for this environment’s alarms and nobody else’s', () => {
  const [policy, ...others] = dev.ofType('AWS::SNS::TopicPolicy');
  expect(others).toEqual([]);
  const allowed = policy?.Properties.PolicyDocument.Statement.filter(
    ({ Effect }: { Effect: string }) => Effect === 'Allow',
  );
  expect(allowed).toMatchObject([
    {
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    },
  ]);
  expect(JSON.stringify(allowed[0].Condition.ArnLike)).toMatch(/:cloudwatch:.*:alarm:tunegate-dev-\*/);
  const [topic] = dev.ofType('AWS::SNS::Topic');
  for (const { Properties } of dev.ofType('AWS::CloudWatch::Alarm'))
    if (!Properties.AlarmName.endsWith('-wake-up'))
      expect(Properties.AlarmActions).toEqual([{ Ref: topic?.logicalId }]);
});

test('the guide says how many alarms and secrets are paid for by the month', () => {
  const guide = readFileSync('docs/deploy.md', 'utf8');
  const said = (what: RegExp) => Number(what.exec(guide)?.[1]);
  expect(said(/CloudWatch \((\d+) alarms/)).toBe(dev.ofType('AWS::CloudWatch::Alarm').length);
  expect(said(/Secrets Manager \((\d+)\)/)).toBe(dev.ofType('AWS::SecretsManager::Secret').length);
});
