import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  ArnPrincipal,
  PolicyStatement,
  Role,
  ServicePrincipal,
  SessionTagsPrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';
import { acknowledge, acknowledgePrefix, inFindings } from '#infra/acknowledge.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from '#infra/stacks/data.ts';
import { JOB_TAG, SETTINGS, TENANT_TAG, TRAINING_CODE_PREFIX } from '#io/definitions/resources.ts';
import { trainingNamePrefix } from './functionSettings.ts';

/** The image of containers/training: see its README. */
const IMAGE = {
  account: '763104351884',
  repository: 'huggingface-pytorch-training',
  tag: '2.9.0-transformers5.3.0-gpu-py312-cu130-ubuntu22.04',
} as const;

/** What a tag of the session says; without the tag, a statement that has it allows nothing. */
const tagged = (tag: string): string => `\${aws:PrincipalTag/${tag}}`;
/** The one prefix that is the job's own, by the tags of the session in which it was created. */
const OWN = `tenants/${tagged(TENANT_TAG)}/training/${tagged(JOB_TAG)}/`;
/** What a job reads: bases, its program, and what a function has prepared for it. */
const READABLE = ['bases/*', `${TRAINING_CODE_PREFIX}*`, `${OWN}*`];
/** What a job writes: its adapter and its checkpoints, and never what it learns from. */
const WRITABLE = [`${OWN}output/*`, `${OWN}checkpoints/*`];
/** SageMaker's own log group of all training jobs of an account. */
const LOG_GROUP = '/aws/sagemaker/TrainingJobs';

export type TrainingRoleProps = { readonly environment: Environment; readonly data: DataStack };

/**
 * What a training job may do, and what functions may do with training jobs. One role serves all jobs and gives each
 * its own prefix alone: whoever creates a job does so in a session that bears its tenant and its id as tags, and
 * SageMaker takes the job's role with the same tags.
 */
export class TrainingRole extends Construct {
  readonly #role: Role;
  readonly #environment: Environment;

  constructor(scope: Construct, id: string, { environment, data }: TrainingRoleProps) {
    super(scope, id);
    this.#environment = environment;
    const stack = Stack.of(this);
    const bucket = data.buckets.tenantData;
    this.#role = new Role(this, 'Role', {
      assumedBy: new SessionTagsPrincipal(
        new ServicePrincipal('sagemaker.amazonaws.com', {
          conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
        }),
      ),
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
    const jobs = this.#jobs('ftjob-*');
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['sagemaker:DescribeTrainingJob', 'sagemaker:StopTrainingJob'],
        resources: [jobs],
      }),
    );
    if (fn.role !== undefined) this.#acknowledgeJobs(fn.role, 'ftjob-*');
  }

  /** Lets a function create them too: in a session of a role of their own, one job at a time. */
  grantStart(fn: LambdaFunction): void {
    this.grantFollow(fn);
    this.#tell(fn);
    const creator = this.#creator(fn);
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['sts:AssumeRole', 'sts:TagSession'], resources: [creator.roleArn] }),
    );
    fn.addEnvironment(SETTINGS.trainingCreatorRole, creator.roleArn);
  }

  /** Creates the training jobs of the job that its session's tags name, with the job's role and no network. */
  #creator(fn: LambdaFunction): Role {
    if (fn.role === undefined) throw new Error(`${fn.node.path} has no role that could create training jobs`);
    const creator = new Role(this, 'Creator', {
      assumedBy: new SessionTagsPrincipal(
        new ArnPrincipal(fn.role.roleArn).withConditions({
          StringLike: {
            [`aws:RequestTag/${TENANT_TAG}`]: 'ten_*',
            [`aws:RequestTag/${JOB_TAG}`]: 'ftjob-*',
          },
          'ForAllValues:StringEquals': { 'aws:TagKeys': [TENANT_TAG, JOB_TAG] },
        }),
      ),
    });
    creator.applyRemovalPolicy(RemovalPolicy.DESTROY);
    const own = `${tagged(JOB_TAG)}-*`;
    const allow = (actions: string[], conditions: Record<string, Record<string, string>>) =>
      creator.addToPolicy(new PolicyStatement({ actions, resources: [this.#jobs(own)], conditions }));
    const { instanceType } = this.#environment.training;
    allow(['sagemaker:CreateTrainingJob'], {
      Bool: { 'sagemaker:NetworkIsolation': 'true' },
      'ForAllValues:StringEquals': { 'sagemaker:InstanceTypes': instanceType },
    });
    allow(['sagemaker:AddTags'], { StringEquals: { 'sagemaker:TaggingAction': 'CreateTrainingJob' } });
    creator.addToPolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.#role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      }),
    );
    this.#acknowledgeJobs(creator, own);
    return creator;
  }

  #jobs(names: string): string {
    const resourceName = `${trainingNamePrefix(this.#environment)}-${names}`;
    return Stack.of(this).formatArn({ service: 'sagemaker', resource: 'training-job', resourceName });
  }

  #acknowledgeJobs(role: IConstruct, names: string): void {
    const jobs = `${trainingNamePrefix(this.#environment)}-${names}`;
    acknowledge(role, {
      [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${Stack.of(this).region}:<AWS::AccountId>:training-job/${inFindings(jobs)}]`]:
        'Training jobs are made at run time; their names begin with the environment’s, or with one job’s.',
    });
  }

  /** What a job is created with: `wireTrainingCreate` reads it. */
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
