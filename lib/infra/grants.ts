import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { acknowledge, acknowledgePrefix } from '#infra/acknowledge.ts';
import type { Environment } from '#infra/environments.ts';
import type { Access, FunctionUses, ObjectAccess } from '#io/definitions/functions.ts';
import {
  BUCKETS,
  ENGINE_SECRETS,
  SECRETS,
  SETTINGS,
  TABLES,
  type TableDefinition,
} from '#io/definitions/resources.ts';

// CDK's own grants name whole families of actions (Scan, kms:ReEncrypt*, s3:GetObject*). These name what the code
// calls, and tell the function where the thing is in the same breath: a permission without its name is of no use.

type AwsExportPlace = NonNullable<Environment['awsExport']>;
const TABLE_READS = ['dynamodb:GetItem', 'dynamodb:Query'];
const TABLE_WRITES = ['dynamodb:ConditionCheckItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];
const TABLE_ACTIONS: Readonly<Record<Access, string[]>> = {
  read: TABLE_READS,
  readWrite: [...TABLE_READS, ...TABLE_WRITES],
  readWriteDelete: [...TABLE_READS, ...TABLE_WRITES, 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'],
};

const OBJECT_ACTIONS: Readonly<Record<ObjectAccess, string[]>> = {
  read: ['s3:GetObject'],
  readWrite: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
  readWriteDelete: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'],
  delete: ['s3:DeleteObject'],
};

export function grantTable(
  fn: LambdaFunction,
  name: keyof typeof TABLES,
  table: TableV2,
  { access, lists }: { readonly access: Access; readonly lists: boolean },
): void {
  const definition: TableDefinition = TABLES[name];
  fn.addEnvironment(definition.env, table.tableName);
  fn.addToRolePolicy(new PolicyStatement({ actions: TABLE_ACTIONS[access], resources: [table.tableArn] }));
  const indexes = definition.indexes.map((index) => `${table.tableArn}/index/${index.name}`);
  if (lists && indexes.length > 0)
    fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources: indexes }));
}

/** Objects of a bucket, by a pattern of their keys, and what may be done with them. */
export type BucketPlace = { readonly objects: string; readonly access: ObjectAccess };

/** Where a function works in each bucket: the usage archive is one folder, of every tenant's data it has its own. */
export function bucketPlaces({
  archive,
  tenantData = {},
}: NonNullable<FunctionUses['buckets']> = {}): Partial<Record<keyof typeof BUCKETS, readonly BucketPlace[]>> {
  const folders = Object.entries(tenantData).map(([folder, access]) => ({
    objects: `tenants/*/${folder}/*`,
    access,
  }));
  return {
    ...(archive === undefined ? {} : { archive: [{ objects: 'usage/*', access: archive }] }),
    ...(folders.length === 0 ? {} : { tenantData: folders }),
  };
}

export function grantBucket(
  fn: LambdaFunction,
  name: keyof typeof BUCKETS,
  bucket: Bucket,
  places: readonly BucketPlace[],
): void {
  fn.addEnvironment(BUCKETS[name].env, bucket.bucketName);
  for (const { objects, access } of places) {
    fn.addToRolePolicy(
      new PolicyStatement({ actions: OBJECT_ACTIONS[access], resources: [bucket.arnForObjects(objects)] }),
    );
    if (fn.role !== undefined) acknowledgePrefix(fn.role, bucket, objects);
  }
  // Who may not list is told of what is missing that it is forbidden.
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': places.map(({ objects }) => objects) } },
    }),
  );
}

export function grantSecret(fn: LambdaFunction, name: keyof typeof SECRETS, secret: Secret): void {
  fn.addEnvironment(SECRETS[name].env, secret.secretArn);
  fn.addToRolePolicy(
    new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secret.secretArn] }),
  );
}

/**
 * Lets the function read the secrets of OpenAI-compatible engines, which the agency makes and names itself. With the
 * name goes the prefix, so that a version can name no other secret.
 */
export function grantEngineSecrets(fn: LambdaFunction, environment: Environment): void {
  const prefix = `tunegate-${environment.name}-${ENGINE_SECRETS}`;
  const resource = Stack.of(fn).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${prefix}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  fn.addEnvironment(SETTINGS.engineSecrets, prefix);
  fn.addToRolePolicy(
    new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [resource] }),
  );
  if (fn.role === undefined) return;
  const { region } = Stack.of(fn);
  acknowledge(fn.role, {
    [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:secretsmanager:${region}:<AWS::AccountId>:secret:${prefix}*]`]:
      'The agency adds engines at run time; the prefix is theirs alone.',
  });
}

/** Lets the function read AWS's cost and usage export, and nothing else of the bucket that it is delivered to. */
export function grantAwsExport(fn: LambdaFunction, { bucket, prefix }: AwsExportPlace): void {
  const arn = Stack.of(fn).formatArn({ service: 's3', region: '', account: '', resource: bucket });
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [`${arn}/${prefix}*`] }));
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [arn],
      conditions: { StringLike: { 's3:prefix': `${prefix}*` } },
    }),
  );
  if (fn.role === undefined) return;
  acknowledge(fn.role, {
    [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:s3:::${bucket}/${prefix}*]`]:
      'AWS names the objects of an export itself; the prefix is the export’s alone.',
  });
}

/** Lets the function send e-mail from one address: SES looks for the address itself, else for its domain. */
export function grantMail(fn: LambdaFunction, from: string): void {
  const identities = [from, from.slice(from.lastIndexOf('@') + 1)];
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['ses:SendEmail'],
      resources: identities.map((resourceName) =>
        Stack.of(fn).formatArn({ service: 'ses', resource: 'identity', resourceName }),
      ),
      conditions: { StringEquals: { 'ses:FromAddress': from } },
    }),
  );
}

type KeyUse = {
  readonly services: readonly ('dynamodb' | 's3' | 'secretsmanager' | 'sqs')[];
  readonly writes: boolean;
};

/** Lets the function use a key, and only when it comes through one of the services that hold our data. */
export function grantKey(fn: LambdaFunction, key: Key, options: KeyUse): void {
  const { region, urlSuffix } = Stack.of(fn);
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: keyActions(options),
      resources: [key.keyArn],
      conditions: {
        StringEquals: {
          'kms:ViaService': options.services.map((service) => `${service}.${region}.${urlSuffix}`),
        },
      },
    }),
  );
}

/** Tables ask for more than the rest, which encrypt with data keys alone. */
const keyActions = ({ services, writes }: KeyUse): string[] => [
  'kms:Decrypt',
  ...(services.includes('dynamodb') ? ['kms:DescribeKey', ...(writes ? ['kms:Encrypt'] : [])] : []),
  ...(writes ? ['kms:GenerateDataKey'] : []),
];
