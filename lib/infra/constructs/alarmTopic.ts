import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Environment } from '#infra/environments.ts';

/**
 * The topic that every alarm speaks to. A topic with a policy of its own, here one that asks for TLS, has lost SNS's
 * policy that lets the account's services publish: what may is named here, or no alarm would ever be heard.
 */
export class AlarmTopic extends Topic {
  constructor(
    scope: Construct,
    id: string,
    { environment, key }: { readonly environment: Environment; readonly key: Key },
  ) {
    super(scope, id, {
      topicName: `tunegate-${environment.name}-alarms`,
      masterKey: key,
      enforceSSL: true,
    });
    const alarms = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: `tunegate-${environment.name}-*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
          ArnLike: { 'aws:SourceArn': alarms },
        },
      }),
    );
  }
}
