import { beforeAll, describe, expect, test } from 'vitest';
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

  test('creates attempts of that one job, without a network, and no function does so by itself', () => {
    const creating = roleStatements(dev).filter(({ Action }) =>
      [Action].flat().includes('sagemaker:CreateTrainingJob'),
    );
    expect(creating).toMatchObject([
      { role: 'JobCreator', Condition: { Bool: { 'sagemaker:NetworkIsolation': 'true' } } },
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
