import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge, acknowledgePrefix } from '#infra/acknowledge.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from '#infra/stacks/data.ts';
import { SETTINGS, TRAINING_CODE_PREFIX } from '#io/definitions/resources.ts';
import { trainingNamePrefix } from './functionSettings.ts';

/** The image of containers/training: see its README. */
const IMAGE = {
  account: '763104351884',
  repository: 'huggingface-pytorch-training',
  tag: '2.9.0-transformers5.3.0-gpu-py312-cu130-ubuntu22.04',
} as const;

/** What a job reads: bases, its program, and what a function has prepared for it. */
const READABLE = ['bases/*', `${TRAINING_CODE_PREFIX}*`, 'tenants/*/training/*'];
/** What a job writes: its adapter and its checkpoints, and never what a tenant uploaded. */
const WRITABLE = ['tenants/*/training/*/output/*', 'tenants/*/training/*/checkpoints/*'];
/** SageMaker's own log group of all training jobs of an account. */
const LOG_GROUP = '/aws/sagemaker/TrainingJobs';

export type TrainingRoleProps = { readonly environment: Environment; readonly data: DataStack };

/** What a training job may do, and what functions may do with training jobs. */
export class TrainingRole extends Construct {
  readonly #role: Role;
  readonly #environment: Environment;

  constructor(scope: Construct, id: string, { environment, data }: TrainingRoleProps) {
    super(scope, id);
    this.#environment = environment;
    const stack = Stack.of(this);
    const bucket = data.buckets.tenantData;
    this.#role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    this.#role.applyRemovalPolicy(RemovalPolicy.DESTROY);
    const allow = (
      actions: string[],
      resources: string[],
      conditions: Record<string, Record<string, string | string[]>> = {},
    ) => this.#role.addToPolicy(new PolicyStatement({ actions, resources, conditions }));
    allow(
      ['s3:GetObject'],
      READABLE.map((prefix) => bucket.arnForObjects(prefix)),
    );
    allow(
      ['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'],
      WRITABLE.map((prefix) => bucket.arnForObjects(prefix)),
    );
    allow(['s3:ListBucket'], [bucket.bucketArn], { StringLike: { 's3:prefix': READABLE } });
    allow(['kms:Decrypt', 'kms:GenerateDataKey'], [data.dataKey.keyArn], {
      StringEquals: { 'kms:ViaService': `s3.${stack.region}.${stack.urlSuffix}` },
    });
    allow(
      ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      [
        stack.formatArn({
          service: 'ecr',
          account: IMAGE.account,
          resource: 'repository',
          resourceName: IMAGE.repository,
        }),
      ],
    );
    allow(['ecr:GetAuthorizationToken'], ['*']);
    allow(['cloudwatch:PutMetricData'], ['*'], {
      StringEquals: { 'cloudwatch:namespace': '/aws/sagemaker/TrainingJobs' },
    });
    allow(
      ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
      [this.#logs('log-group', `${LOG_GROUP}:*`)],
    );
    for (const prefix of [...READABLE, ...WRITABLE]) acknowledgePrefix(this, bucket, prefix);
    acknowledge(this, {
      'AwsSolutions::AwsSolutions-IAM5[Resource::*]':
        'ecr:GetAuthorizationToken and cloudwatch:PutMetricData have no resources; the latter is bound to a namespace.',
      [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:logs:${stack.region}:<AWS::AccountId>:log-group:${LOG_GROUP}:*]`]:
        'SageMaker names the log streams of a job after its instances.',
    });
  }

  /** Lets a function ask about training jobs of this environment and stop them. */
  grantFollow(fn: LambdaFunction): void {
    this.#tell(fn);
    this.#allow(fn, ['sagemaker:DescribeTrainingJob', 'sagemaker:StopTrainingJob']);
  }

  /** Lets a function create them too, with this role and no other. */
  grantStart(fn: LambdaFunction): void {
    this.#tell(fn);
    this.#allow(fn, [
      'sagemaker:CreateTrainingJob',
      'sagemaker:AddTags',
      'sagemaker:DescribeTrainingJob',
      'sagemaker:StopTrainingJob',
    ]);
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.#role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      }),
    );
  }

  #allow(fn: LambdaFunction, actions: string[]): void {
    const stack = Stack.of(this);
    const jobs = `${trainingNamePrefix(this.#environment)}-ftjob-*`;
    const resource = stack.formatArn({
      service: 'sagemaker',
      resource: 'training-job',
      resourceName: jobs,
    });
    fn.addToRolePolicy(new PolicyStatement({ actions, resources: [resource] }));
    if (fn.role !== undefined)
      acknowledge(fn.role, {
        [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${stack.region}:<AWS::AccountId>:training-job/${jobs}]`]:
          'Training jobs are made at run time; their names begin with the environment’s.',
      });
  }

  /** What a job is created with: `wireTrainingService` reads it. */
  #tell(fn: LambdaFunction): void {
    const { region, urlSuffix } = Stack.of(this);
    const { instanceType, volumeGb } = this.#environment.training;
    fn.addEnvironment(SETTINGS.trainingRole, this.#role.roleArn);
    fn.addEnvironment(
      SETTINGS.trainingImage,
      `${IMAGE.account}.dkr.ecr.${region}.${urlSuffix}/${IMAGE.repository}:${IMAGE.tag}`,
    );
    fn.addEnvironment(SETTINGS.trainingInstance, instanceType);
    fn.addEnvironment(SETTINGS.trainingVolumeGb, String(volumeGb));
  }

  #logs(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({
      service: 'logs',
      resource,
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
