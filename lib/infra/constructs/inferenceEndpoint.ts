import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as scaling from 'aws-cdk-lib/aws-applicationautoscaling';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import serving from '#containers/serving/vllm.json' with { type: 'json' };
import type { Environment, InferenceSettings } from '#infra/environments.ts';
import type { DataStack } from '#infra/stacks/data.ts';
import { ALARM_PERIOD, type AlarmSet } from './alarmSet.ts';
import { InferenceRole } from './inferenceRole.ts';
import { servingEnvironment } from './servingEnvironment.ts';

const VARIANT = 'all';
const MODEL_DOWNLOAD_SECONDS = 1_200;
const STARTUP_SECONDS = 1_200;
const IDLE_BEFORE_SCALE_IN = Duration.minutes(15);

export type InferenceEndpointProps = {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly settings: InferenceSettings;
  readonly endpointName: string;
  /** What the names of its alarms begin with. */
  readonly alarmPrefix: string;
};

/**
 * One endpoint with one base model that sleeps when nobody calls. Adapters are not here: each is an inference
 * component made at run time on top of `baseComponent`.
 */
export class InferenceEndpoint extends Construct {
  readonly name: string;
  readonly baseComponent: string;
  readonly #props: InferenceEndpointProps;

  constructor(scope: Construct, id: string, props: InferenceEndpointProps) {
    super(scope, id);
    this.#props = props;
    this.name = props.endpointName;
    this.baseComponent = props.settings.baseComponent;
    const role = new InferenceRole(this, 'Role', {
      data: props.data,
      image: serving.image,
      logGroups: this.#logGroups(),
    });
    const endpoint = this.#endpoint(role);
    const component = this.#baseComponent(this.#model(role));
    component.addResourceDependency(endpoint);
    this.#scale(component);
  }

  watch(alarms: AlarmSet): void {
    const { alarmPrefix } = this.#props;
    alarms.add(`${alarmPrefix}-errors`, {
      metric: new Metric({
        namespace: 'AWS/SageMaker',
        metricName: 'Invocation5XXErrors',
        dimensionsMap: { EndpointName: this.name, VariantName: VARIANT },
        statistic: 'sum',
        period: ALARM_PERIOD,
      }),
      above: 0,
      periods: 2,
      meaning: 'The model server answers with errors.',
      runbook: 'inference-fails',
    });
    alarms.add(`${alarmPrefix}-asleep`, {
      metric: this.#noCapacity(ALARM_PERIOD),
      above: 0,
      periods: 4,
      meaning: 'Calls have found no copy of the base model for 20 minutes: it does not wake up.',
      runbook: 'inference-does-not-wake',
    });
  }

  /** Made here, so that SageMaker does not make them without a retention. */
  #logGroups(): readonly LogGroup[] {
    const logs = { Endpoints: this.name, InferenceComponents: this.baseComponent };
    return Object.entries(logs).map(
      ([kind, name]) =>
        new LogGroup(this, `${kind}Log`, {
          logGroupName: `/aws/sagemaker/${kind}/${name}`,
          retention: this.#props.environment.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
    );
  }

  #model(role: InferenceRole): sagemaker.CfnModel {
    const { settings } = this.#props;
    const { region, urlSuffix } = Stack.of(this);
    const bucket = this.#props.data.buckets.tenantData.bucketName;
    return new sagemaker.CfnModel(this, 'BaseModel', {
      executionRoleArn: role.roleArn,
      enableNetworkIsolation: true, // weights and adapters come in through SageMaker; nothing goes out
      primaryContainer: {
        image: `${serving.image.account}.dkr.ecr.${region}.${urlSuffix}/${serving.image.repository}:${serving.image.tag}`,
        modelDataSource: {
          s3DataSource: {
            s3Uri: `s3://${bucket}/bases/${settings.baseModel}/`,
            s3DataType: 'S3Prefix',
            compressionType: 'None',
          },
        },
        environment: servingEnvironment(settings),
      },
    });
  }

  #endpoint(role: InferenceRole): sagemaker.CfnEndpoint {
    const { settings } = this.#props;
    // No KMS key: these instances keep data only on local NVMe, which the hardware encrypts, and refuse a key.
    const config = new sagemaker.CfnEndpointConfig(this, 'EndpointConfig', {
      executionRoleArn: role.roleArn,
      productionVariants: [
        {
          variantName: VARIANT,
          instanceType: settings.instanceType,
          initialInstanceCount: 1,
          inferenceAmiVersion: serving.inferenceAmiVersion,
          managedInstanceScaling: {
            status: 'ENABLED',
            minInstanceCount: settings.minCopies,
            maxInstanceCount: settings.maxInstances,
          },
          routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
          modelDataDownloadTimeoutInSeconds: MODEL_DOWNLOAD_SECONDS,
          containerStartupHealthCheckTimeoutInSeconds: STARTUP_SECONDS,
        },
      ],
    });
    config.node.addDependency(role); // the policy too: SageMaker tries the role at once
    return new sagemaker.CfnEndpoint(this, 'Endpoint', {
      endpointName: this.name,
      endpointConfigName: config.attrEndpointConfigName,
    });
  }

  #baseComponent(model: sagemaker.CfnModel): sagemaker.CfnInferenceComponent {
    const { settings } = this.#props;
    return new sagemaker.CfnInferenceComponent(this, 'BaseComponent', {
      inferenceComponentName: this.baseComponent,
      endpointName: this.name,
      variantName: VARIANT,
      specification: {
        modelName: model.attrModelName,
        computeResourceRequirements: {
          numberOfAcceleratorDevicesRequired: settings.acceleratorsPerCopy,
          minMemoryRequiredInMb: settings.minMemoryMbPerCopy,
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
    const { settings } = this.#props;
    const copies = new scaling.ScalableTarget(this, 'Copies', {
      serviceNamespace: scaling.ServiceNamespace.SAGEMAKER,
      scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      resourceId: `inference-component/${this.baseComponent}`,
      minCapacity: settings.minCopies,
      maxCapacity: settings.maxCopies,
    });
    copies.node.addDependency(component);
    copies.scaleToTrackMetric('InFlight', {
      predefinedMetric:
        scaling.PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_CONCURRENT_REQUESTS_PER_COPY_HIGH_RESOLUTION,
      targetValue: settings.concurrencyPerCopy,
      scaleInCooldown: IDLE_BEFORE_SCALE_IN,
      scaleOutCooldown: Duration.minutes(1),
    });
    this.#wakeUp(copies);
  }

  /** Tracking cannot leave zero, for there is no copy to measure: a failed call raises the alarm that adds the first one. */
  #wakeUp(copies: scaling.ScalableTarget): void {
    const policy = new scaling.CfnScalingPolicy(this, 'WakeUp', {
      policyName: `${this.baseComponent}-wake-up`,
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
      alarmName: `${this.baseComponent}-wake-up`,
      alarmDescription: `A call found the base model asleep; this wakes it up. Runbook: ${this.#props.environment.runbookUrl}#inference-does-not-wake`,
      threshold: 1,
      evaluationPeriods: 1,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.ref }) });
  }

  #noCapacity(period: Duration): Metric {
    return new Metric({
      namespace: 'AWS/SageMaker',
      metricName: 'NoCapacityInvocationFailures',
      dimensionsMap: { InferenceComponentName: this.baseComponent },
      statistic: 'max',
      period,
    });
  }
}
