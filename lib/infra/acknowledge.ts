import { Stack, Validations } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';

/** Accepts findings of cdk-nag on a construct and all below it; each needs a reason that holds for all of them. */
export function acknowledge(scope: IConstruct, findings: Readonly<Record<string, string>>): void {
  for (const [rule, reason] of Object.entries(findings))
    Validations.of(scope).acknowledge({ id: rule, reason });
}

/** A policy's variables as cdk-nag writes them. */
export const inFindings = (resource: string): string => resource.replace(/\$\{([^}]+)\}/g, '<$1>');

/** Accepts that a role in another stack may touch every object under one prefix of a bucket. */
export function acknowledgePrefix(scope: IConstruct, bucket: Bucket, prefix: string): void {
  const owner = Stack.of(bucket);
  // cdk-nag names the bucket by the export through which the other stack knows it.
  const { 'Fn::ImportValue': name } = owner.resolve(owner.exportValue(bucket.bucketArn));
  acknowledge(scope, {
    [`AwsSolutions::AwsSolutions-IAM5[Resource::${name}/${inFindings(prefix)}]`]:
      'Objects are made at run time; the prefix is the narrowest thing that can be named before.',
  });
}
