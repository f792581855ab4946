import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge, acknowledgePrefix } from '#infra/acknowledge.ts';
import type { DataStack } from '#infra/stacks/data.ts';

/** Base models and the archives that serve. Beside these lie adapters' exports, with the datasets in them: not readable. */
const READABLE = ['bases/*', 'tenants/*/adapters/*/adapter.tar.gz'];
const LISTABLE = ['bases/*', 'tenants/*/adapters/*'];

export type InferenceRoleProps = {
  readonly data: DataStack;
  readonly image: { readonly account: string; readonly repository: string };
  readonly logGroups: readonly LogGroup[];
};

/** What SageMaker may do to serve: pull one image, read weights and adapters, write its logs and metrics. */
export class InferenceRole extends Construct {
  readonly roleArn: string;

  constructor(scope: Construct, id: string, { data, image, logGroups }: InferenceRoleProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const bucket = data.buckets.tenantData;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    this.roleArn = role.roleArn;

    const allow = (
      actions: string[],
      resources: string[],
      conditions: Record<string, Record<string, string | string[]>> = {},
    ) => role.addToPolicy(new PolicyStatement({ actions, resources, conditions }));
    allow(
      ['s3:GetObject'],
      READABLE.map((prefix) => bucket.arnForObjects(prefix)),
    );
    allow(['s3:ListBucket'], [bucket.bucketArn], { StringLike: { 's3:prefix': LISTABLE } });
    allow(['kms:Decrypt'], [data.dataKey.keyArn], {
      StringEquals: { 'kms:ViaService': `s3.${stack.region}.${stack.urlSuffix}` },
    });
    allow(
      ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      [
        stack.formatArn({
          service: 'ecr',
          account: image.account,
          resource: 'repository',
          resourceName: image.repository,
        }),
      ],
    );
    allow(['ecr:GetAuthorizationToken'], ['*']);
    allow(['cloudwatch:PutMetricData'], ['*'], { StringLike: { 'cloudwatch:namespace': '*SageMaker*' } });
    allow(
      ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
      logGroups.map((group) => group.logGroupArn),
    );
    for (const prefix of READABLE) acknowledgePrefix(this, bucket, prefix);
    acknowledge(this, {
      'AwsSolutions::AwsSolutions-IAM5[Resource::*]':
        'ecr:GetAuthorizationToken and cloudwatch:PutMetricData have no resources; the latter is bound to a namespace.',
    });
  }
}
