import { existsSync } from 'node:fs';
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as scaling from 'aws-cdk-lib/aws-applicationautoscaling';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import serving from '#containers/serving/vllm.json' with { type: 'json' };
import { acknowledge } from '#infra/acknowledge.ts';
import { ALARM_PERIOD, type AlarmSet } from '#infra/constructs/alarmSet.ts';
import { InferenceRole } from '#infra/constructs/inferenceRole.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import type { Environment } from '#infra/environments.ts';
import { ENDPOINT } from '#io/definitions/resources.ts';
import type { DataStack } from './data.ts';
import type { TrainingStack } from './training.ts';

const VARIANT = 'all';
/** The inference components of adapters: `adp-01k…`, after the adapter's id. */
const ADAPTERS = 'adp-*';
const MODEL_DOWNLOAD_SECONDS = 1_200;
const STARTUP_SECONDS = 1_200;
const IDLE_BEFORE_SCALE_IN = Duration.minutes(15);

export type InferenceStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly training: TrainingStack;
};

/**
 * One endpoint with one base model that sleeps when nobody calls. Adapters are not here: each is an inference
 * component made at run time on top of `baseComponentName`.
 */
export class InferenceStack extends Stack {
  readonly endpointName: string;
  readonly baseComponentName: string;
  readonly deployAdapter: TunegateFunction;
  readonly #environment: Environment;
  readonly #data: DataStack;

  constructor(scope: Construct, id: string, { environment, data, training, ...props }: InferenceStackProps) {
    super(scope, id, props);
    this.#environment = environment;
    this.#data = data;
    const { baseModel, baseComponent } = environment.inference;
    this.endpointName = `tunegate-${environment.name}-${ENDPOINT.name}`;
    this.baseComponentName = baseComponent;
    needTokenizer(baseModel);

    const role = new InferenceRole(this, 'Role', {
      data,
      image: serving.image,
      logGroups: this.#logGroups(),
    });
    const endpoint = this.#endpoint(role);
    const component = this.#baseComponent(this.#model(role));
    component.addResourceDependency(endpoint);
    this.#scale(component);
    this.deployAdapter = new TunegateFunction(this, 'deploy-adapter', {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: { adapters: training.adapters },
      endpoint: this,
    });
    new CfnOutput(this, 'BaseComponentName', { value: this.baseComponentName });
  }

  /**
   * Lets a function call this endpoint, and none other, and tells it the name. An adapter's inference component is
   * made at run time and bears the adapter's id.
   */
  grantInvoke(fn: LambdaFunction): void {
    fn.addEnvironment(ENDPOINT.env, this.endpointName);
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['sagemaker:InvokeEndpoint', 'sagemaker:InvokeEndpointWithResponseStream'],
        resources: [
          this.#arn('endpoint', this.endpointName),
          this.#arn('inference-component', this.baseComponentName),
          this.#arn('inference-component', ADAPTERS),
        ],
      }),
    );
    if (fn.role !== undefined) {
      acknowledge(fn.role, {
        [`AwsSolutions::AwsSolutions-IAM5[Resource::arn:aws:sagemaker:${this.region}:<AWS::AccountId>:inference-component/${ADAPTERS}]`]:
          'Adapters are made at run time; the endpoint, which is named in full, bounds them.',
      });
    }
  }

  /** Lets a function make and remove adapters on this endpoint, look at them and at their base, and ask both. */
  grantManageAdapters(fn: LambdaFunction): void {
    this.grantInvoke(fn);
    fn.addEnvironment(ENDPOINT.baseEnv, this.baseComponentName);
    const adapters = this.#arn('inference-component', ADAPTERS);
    const allow = (actions: string[], resources: string[]) =>
      fn.addToRolePolicy(new PolicyStatement({ actions, resources }));
    allow(['sagemaker:CreateInferenceComponent'], [adapters, this.#arn('endpoint', this.endpointName)]);
    allow(['sagemaker:DeleteInferenceComponent'], [adapters]);
    allow(
      ['sagemaker:DescribeInferenceComponent'],
      [adapters, this.#arn('inference-component', this.baseComponentName)],
    );
  }

  watch(alarms: AlarmSet): void {
    this.deployAdapter.watch(alarms);
    alarms.add('inference-errors', {
      metric: new Metric({
        namespace: 'AWS/SageMaker',
        metricName: 'Invocation5XXErrors',
        dimensionsMap: { EndpointName: this.endpointName, VariantName: VARIANT },
        statistic: 'sum',
        period: ALARM_PERIOD,
      }),
      above: 0,
      periods: 2,
      meaning: 'The model server answers with errors.',
      runbook: 'inference-fails',
    });
    alarms.add('inference-asleep', {
      metric: this.#noCapacity(ALARM_PERIOD),
      above: 0,
      periods: 4,
      meaning: 'Calls have found no copy of the base model for 20 minutes: it does not wake up.',
      runbook: 'inference-does-not-wake',
    });
  }

  /** Made here, so that SageMaker does not make them without a retention. */
  #logGroups(): readonly LogGroup[] {
    const logs = { Endpoints: this.endpointName, InferenceComponents: this.baseComponentName };
    return Object.entries(logs).map(
      ([kind, name]) =>
        new LogGroup(this, `${kind}Log`, {
          logGroupName: `/aws/sagemaker/${kind}/${name}`,
          retention: this.#environment.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
    );
  }

  #model(role: InferenceRole): sagemaker.CfnModel {
    const { inference } = this.#environment;
    const bucket = this.#data.buckets.tenantData.bucketName;
    return new sagemaker.CfnModel(this, 'BaseModel', {
      executionRoleArn: role.roleArn,
      enableNetworkIsolation: true, // weights and adapters come in through SageMaker; nothing goes out
      primaryContainer: {
        image: `${serving.image.account}.dkr.ecr.${this.region}.${this.urlSuffix}/${serving.image.repository}:${serving.image.tag}`,
        modelDataSource: {
          s3DataSource: {
            s3Uri: `s3://${bucket}/bases/${inference.baseModel}/`,
            s3DataType: 'S3Prefix',
            compressionType: 'None',
          },
        },
        environment: {
          ...serving.environment,
          SM_VLLM_SERVED_MODEL_NAME: inference.baseModel,
          SM_VLLM_MAX_LORAS: String(inference.adaptersOnGpu),
          SM_VLLM_MAX_CPU_LORAS: String(inference.adaptersInMemory),
          SM_VLLM_MAX_LORA_RANK: String(inference.maxLoraRank),
        },
      },
    });
  }

  #endpoint(role: InferenceRole): sagemaker.CfnEndpoint {
    const { inference } = this.#environment;
    // No KMS key: these instances keep data only on local NVMe, which the hardware encrypts, and refuse a key.
    const config = new sagemaker.CfnEndpointConfig(this, 'EndpointConfig', {
      executionRoleArn: role.roleArn,
      productionVariants: [
        {
          variantName: VARIANT,
          instanceType: inference.instanceType,
          initialInstanceCount: 1,
          inferenceAmiVersion: serving.inferenceAmiVersion,
          managedInstanceScaling: {
            status: 'ENABLED',
            minInstanceCount: inference.minCopies,
            maxInstanceCount: inference.maxInstances,
          },
          routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
          modelDataDownloadTimeoutInSeconds: MODEL_DOWNLOAD_SECONDS,
          containerStartupHealthCheckTimeoutInSeconds: STARTUP_SECONDS,
        },
      ],
    });
    config.node.addDependency(role); // the policy too: SageMaker tries the role at once
    return new sagemaker.CfnEndpoint(this, 'Endpoint', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
    });
  }

  #baseComponent(model: sagemaker.CfnModel): sagemaker.CfnInferenceComponent {
    const { inference } = this.#environment;
    return new sagemaker.CfnInferenceComponent(this, 'BaseComponent', {
      inferenceComponentName: this.baseComponentName,
      endpointName: this.endpointName,
      variantName: VARIANT,
      specification: {
        modelName: model.attrModelName,
        computeResourceRequirements: {
          numberOfAcceleratorDevicesRequired: inference.acceleratorsPerCopy,
          minMemoryRequiredInMb: inference.minMemoryMbPerCopy,
        },
        startupParameters: {
          modelDataDownloadTimeoutInSeconds: MODEL_DOWNLOAD_SECONDS,
          containerStartupHealthCheckTimeoutInSeconds: STARTUP_SECONDS,
        },
      },
      runtimeConfig: { copyCount: 1 },
    });
  }

  /** Follows the calls in flight down to no copy at all; the first call that finds none wakes one up. */
  #scale(component: sagemaker.CfnInferenceComponent): void {
    const { inference } = this.#environment;
    const copies = new scaling.ScalableTarget(this, 'Copies', {
      serviceNamespace: scaling.ServiceNamespace.SAGEMAKER,
      scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      resourceId: `inference-component/${this.baseComponentName}`,
      minCapacity: inference.minCopies,
      maxCapacity: inference.maxCopies,
    });
    copies.node.addDependency(component);
    copies.scaleToTrackMetric('InFlight', {
      predefinedMetric:
        scaling.PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_CONCURRENT_REQUESTS_PER_COPY_HIGH_RESOLUTION,
      targetValue: inference.concurrencyPerCopy,
      scaleInCooldown: IDLE_BEFORE_SCALE_IN,
      scaleOutCooldown: Duration.minutes(1),
    });
    this.#wakeUp(copies);
  }

  /** Tracking cannot leave zero, for there is no copy to measure: a failed call raises the alarm that adds the first one. */
  #wakeUp(copies: scaling.ScalableTarget): void {
    const policy = new scaling.CfnScalingPolicy(this, 'WakeUp', {
      policyName: `${this.baseComponentName}-wake-up`,
      policyType: 'StepScaling',
      scalingTargetId: copies.scalableTargetId,
      stepScalingPolicyConfiguration: {
        adjustmentType: 'ChangeInCapacity',
        metricAggregationType: 'Maximum',
        cooldown: Duration.minutes(1).toSeconds(),
        stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
      },
    });
    const alarm = this.#noCapacity(Duration.seconds(30)).createAlarm(this, 'NoCapacity', {
      alarmName: `${this.baseComponentName}-wake-up`,
      alarmDescription: `A call found the base model asleep; this wakes it up. Runbook: ${this.#environment.runbookUrl}#inference-does-not-wake`,
      threshold: 1,
      evaluationPeriods: 1,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.ref }) });
  }

  #noCapacity(period: Duration): Metric {
    return new Metric({
      namespace: 'AWS/SageMaker',
      metricName: 'NoCapacityInvocationFailures',
      dimensionsMap: { InferenceComponentName: this.baseComponentName },
      statistic: 'max',
      period,
    });
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
