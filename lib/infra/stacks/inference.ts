import { existsSync } from 'node:fs';
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledge } from '#infra/acknowledge.ts';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { endpointName } from '#infra/constructs/functionSettings.ts';
import { InferenceEndpoint } from '#infra/constructs/inferenceEndpoint.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import type { Environment } from '#infra/environments.ts';
import { ENDPOINT } from '#io/definitions/resources.ts';
import type { DataStack } from './data.ts';
import type { TrainingStack } from './training.ts';

/** The inference components of adapters: `adp-01k…`, after the adapter's id. */
const ADAPTERS = 'adp-*';
const INVOKE = 'sagemaker:InvokeEndpoint';

export type InferenceStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly training: TrainingStack;
};

/** The endpoint that tenants share, those that single tenants have for themselves, and what puts adapters on them. */
export class InferenceStack extends Stack {
  readonly shared: InferenceEndpoint;
  readonly dedicated: readonly InferenceEndpoint[];
  readonly functions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, training, ...props }: InferenceStackProps) {
    super(scope, id, props);
    const sharedName = endpointName(environment);
    const settings = environment.inference;
    needTokenizer(settings.baseModel);
    this.shared = new InferenceEndpoint(this, 'Shared', {
      environment,
      data,
      settings,
      endpointName: sharedName,
      alarmPrefix: 'inference',
    });
    this.dedicated = Object.entries(environment.dedicatedEndpoints).map(([name, own]) => {
      const endpoint = new InferenceEndpoint(this, `Dedicated-${name}`, {
        environment,
        data,
        settings: { ...settings, ...own, baseComponent: `${settings.baseComponent}-${name}` },
        endpointName: `${sharedName}-${name}`,
        alarmPrefix: `inference-${name}`,
      });
      new CfnOutput(this, `DedicatedEndpoint-${name}`, { value: endpoint.name });
      return endpoint;
    });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: { adapters: training.adapters },
      endpoint: this,
    };
    this.functions = [
      new TunegateFunction(this, 'deploy-adapter', shared),
      new TunegateFunction(this, 'watch-adapters', shared),
    ];
    new CfnOutput(this, 'BaseComponentName', { value: this.shared.baseComponent });
  }

  get #endpoints(): readonly InferenceEndpoint[] {
    return [this.shared, ...this.dedicated];
  }

  /** Lets a function answer calls from these endpoints. SageMaker's reference asks for both actions for a stream. */
  grantInvoke(fn: LambdaFunction): void {
    this.#grantCalls(fn, [INVOKE, 'sagemaker:InvokeEndpointWithResponseStream']);
  }

  /**
   * Lets a function call these endpoints, and none other, and tells it the shared one's name; a version names one of
   * its own. An adapter's inference component is made at run time and bears the adapter's id.
   */
  #grantCalls(fn: LambdaFunction, actions: string[]): void {
    fn.addEnvironment(ENDPOINT.env, this.shared.name);
    fn.addEnvironment(ENDPOINT.baseEnv, this.shared.baseComponent);
    fn.addToRolePolicy(
      new PolicyStatement({
        actions,
        resources: [
          ...this.#endpoints.flatMap(({ name, baseComponent }) => [
            this.#arn('endpoint', name),
            this.#arn('inference-component', baseComponent),
          ]),
          this.#arn('inference-component', ADAPTERS),
        ],
      }),
    );
    if (fn.role !== undefined) {
      acknowledge(fn.role, {
        [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${this.region}:<AWS::AccountId>:inference-component/${ADAPTERS}]`]:
          'Adapters are made at run time; the endpoints, which are named in full, bound them.',
      });
    }
  }

  /** Lets a function make and remove adapters on these endpoints, look at them and at their bases, and ask both. */
  grantManageAdapters(fn: LambdaFunction): void {
    this.#grantCalls(fn, [INVOKE]);
    const adapters = this.#arn('inference-component', ADAPTERS);
    const endpoints = this.#endpoints.map(({ name }) => this.#arn('endpoint', name));
    const bases = this.#endpoints.map(({ baseComponent }) => this.#arn('inference-component', baseComponent));
    const allow = (actions: string[], resources: string[]) =>
      fn.addToRolePolicy(new PolicyStatement({ actions, resources }));
    allow(['sagemaker:CreateInferenceComponent'], [adapters, ...endpoints]);
    allow(['sagemaker:DeleteInferenceComponent'], [adapters]);
    allow(['sagemaker:DescribeInferenceComponent'], [adapters, ...bases]);
  }

  /** Lets a function see which components there are, and how many copies the bases have. */
  grantWatchAdapters(fn: LambdaFunction): void {
    fn.addEnvironment(ENDPOINT.baseEnv, this.shared.baseComponent);
    // AWS gives lists no resources.
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['sagemaker:ListInferenceComponents'], resources: ['*'] }),
    );
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['sagemaker:DescribeInferenceComponent'],
        resources: this.#endpoints.map(({ baseComponent }) =>
          this.#arn('inference-component', baseComponent),
        ),
      }),
    );
  }

  watch(alarms: AlarmSet): void {
    for (const fn of this.functions) fn.watch(alarms);
    for (const endpoint of this.#endpoints) endpoint.watch(alarms);
  }

  #arn(resource: string, resourceName: string): string {
    return this.formatArn({ service: 'sagemaker', resource, resourceName });
  }
}

/** Estimates would be wrong without the base model's own tokenizer, so its absence stops the deployment. */
function needTokenizer(baseModel: string): void {
  const file = `layers/tokenizers/${baseModel}/tokenizer.json`;
  if (!existsSync(file)) throw new Error(`base model "${baseModel}" has no tokenizer: add ${file}`);
}
