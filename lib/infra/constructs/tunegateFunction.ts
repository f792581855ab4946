import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { type ICommandHooks, LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '#infra/acknowledge.ts';
import { BUNDLING, handlerPath } from '#infra/bundling.ts';
import type { Environment } from '#infra/environments.ts';
import {
  bucketPlaces,
  grantAwsExport,
  grantBucket,
  grantEngineSecrets,
  grantKey,
  grantMail,
  grantSecret,
  grantTable,
} from '#infra/grants.ts';
import { SHRINK_BUNDLE } from '#infra/shrinkBundle.ts';
import type { DataStack } from '#infra/stacks/data.ts';
import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '#io/definitions/functions.ts';
import { METRIC_NAMESPACE } from '#io/definitions/metrics.ts';
import type { QUEUES } from '#io/definitions/resources.ts';
import { ALARM_PERIOD, type AlarmSet } from './alarmSet.ts';
import { functionSettings } from './functionSettings.ts';
import type { SharedLayers } from './sharedLayers.ts';
import type { WorkQueue } from './workQueue.ts';

/** What a function's definition may name and its stack must bring. */
export type TunegateFunctionProps = {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly layers: SharedLayers;
  readonly queues?: Partial<Record<keyof typeof QUEUES, WorkQueue>>;
  readonly training?: {
    readonly grantStart: (fn: lambda.Function) => void;
    readonly grantFollow: (fn: lambda.Function) => void;
  };
  readonly endpoint?: {
    readonly grantInvoke: (fn: lambda.Function) => void;
    readonly grantManageAdapters: (fn: lambda.Function) => void;
    readonly grantWatchAdapters: (fn: lambda.Function) => void;
  };
};

/** One function of `FUNCTIONS`: its bundle, its log, its trigger, and a role that allows what the definition says it uses. */
export class TunegateFunction extends Construct {
  readonly name: FunctionName;
  readonly lambda: lambda.Function;
  readonly #definition: FunctionDefinition;
  readonly #props: TunegateFunctionProps;

  constructor(scope: Construct, name: FunctionName, props: TunegateFunctionProps) {
    super(scope, name);
    this.name = name;
    this.#props = props;
    this.#definition = FUNCTIONS[name];
    this.lambda = this.#function();
    this.#grantUses();
    this.#attachTrigger();
    acknowledge(this, {
      'AwsSolutions::AwsSolutions-IAM5[Resource::*]':
        'Only xray:PutTraceSegments, xray:PutTelemetryRecords and lists, which have no resources (a test holds this).',
    });
  }

  #function(): lambda.Function {
    const { environment } = this.#props;
    const functionName = `tunegate-${environment.name}-${this.name}`;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: environment.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    return this.#withCode({
      functionName,
      role,
      logGroup,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: this.#definition.memoryMb,
      ...(this.#definition.diskMb === undefined
        ? {}
        : { ephemeralStorageSize: Size.mebibytes(this.#definition.diskMb) }),
      timeout: Duration.seconds(this.#definition.timeoutSeconds),
      tracing: lambda.Tracing.ACTIVE,
      loggingFormat: lambda.LoggingFormat.JSON,
      systemLogLevelV2: lambda.SystemLogLevel.WARN,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: this.name,
        POWERTOOLS_METRICS_NAMESPACE: METRIC_NAMESPACE,
        POWERTOOLS_LOG_LEVEL: environment.logLevel,
        ...functionSettings(this.#definition.uses, environment),
      },
      layers: this.#layers(),
      ...this.#secretsExtension(),
      ...this.#deadLetters(),
    });
  }

  #withCode(props: Omit<lambda.FunctionProps, 'code' | 'handler'>): lambda.Function {
    return new NodejsFunction(this, 'Function', {
      ...props,
      entry: handlerPath(this.name),
      bundling: {
        format: OutputFormat.ESM,
        target: BUNDLING.target,
        mainFields: [...BUNDLING.mainFields],
        esbuildArgs: aliasArguments(),
        loader: BUNDLING.loader,
        minify: BUNDLING.minify,
        sourceMap: true,
        sourcesContent: BUNDLING.sourcesContent,
        commandHooks: SHRINK_AFTERWARDS,
        logLevel: LogLevel.WARNING,
        bundleAwsSDK: true, // faster to load than the runtime's own, and the version that was tested
      },
    });
  }

  #layers(): lambda.ILayerVersion[] {
    const { uses } = this.#definition;
    const { layers } = this.#props;
    return [
      ...(uses.tokenizers === true ? [layers.tokenizers] : []),
      ...(uses.priceTables === true ? [layers.priceTables] : []),
    ];
  }

  /** Secrets come through AWS's extension, which caches them beside the function and refreshes them. */
  #secretsExtension(): Pick<lambda.FunctionProps, 'paramsAndSecrets'> {
    const { secrets, engineSecrets } = this.#definition.uses;
    if (secrets === undefined && engineSecrets !== true) return {};
    return {
      paramsAndSecrets: lambda.ParamsAndSecretsLayerVersion.fromVersion(
        lambda.ParamsAndSecretsVersions.V1_0_103,
        {
          secretsManagerTtl: Duration.minutes(1),
          logLevel: lambda.ParamsAndSecretsLogLevel.ERROR,
        },
      ),
    };
  }

  /** Only a scheduled function is invoked asynchronously: an event of it that failed is kept here. */
  #deadLetters(): Pick<lambda.FunctionProps, 'deadLetterQueue'> {
    if (this.#definition.trigger.kind === 'schedule') {
      return { deadLetterQueue: this.#scheduleDeadLetters() };
    }
    acknowledge(this, {
      'Serverless::Serverless-LambdaDLQ':
        'Never invoked asynchronously: its caller sees the failure, or its queue has a dead-letter queue.',
    });
    return {};
  }

  #scheduleDeadLetters(): IQueue {
    const deadLetters = new Queue(this, 'DeadLetters', {
      queueName: `tunegate-${this.#props.environment.name}-${this.name}-dlq`,
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: this.#props.data.messageKey,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(deadLetters, {
      'Serverless::Serverless-SQSRedrivePolicy': 'It is the dead-letter queue; an alarm watches it.',
    });
    return deadLetters as IQueue;
  }

  #grantUses(): void {
    const { uses } = this.#definition;
    const { data, queues, endpoint } = this.#props;
    const services = new Set<'dynamodb' | 's3' | 'secretsmanager'>();
    let writes = false;
    for (const [name, access] of entries(uses.tables)) {
      const lists = !(uses.listsNothingOf ?? []).includes(name);
      grantTable(this.lambda, name, data.tables[name], { access, lists });
      services.add('dynamodb');
      writes ||= access !== 'read';
    }
    for (const [name, places] of entries(bucketPlaces(uses.buckets))) {
      grantBucket(this.lambda, name, data.buckets[name], places);
      services.add('s3');
      writes ||= places.some(({ access }) => access !== 'read');
    }
    for (const name of uses.secrets ?? []) {
      grantSecret(this.lambda, name, data.secrets[name]);
      services.add('secretsmanager');
    }
    // Lambda writes a failed event to the dead-letter queue with the function's own role.
    if (this.lambda.deadLetterQueue !== undefined) {
      grantKey(this.lambda, data.messageKey, { services: ['sqs'], writes: true });
    }
    for (const name of uses.queues ?? []) need(queues?.[name], `queue ${name}`).grantSend(this.lambda);
    if (uses.sendsMail === true) grantMail(this.lambda, this.#props.environment.noticeFrom);
    const { awsExport } = this.#props.environment;
    if (uses.readsAwsCosts === true && awsExport !== undefined) grantAwsExport(this.lambda, awsExport);
    const { training } = this.#props;
    if (uses.training === 'start') need(training, 'training').grantStart(this.lambda);
    if (uses.training === 'follow') need(training, 'training').grantFollow(this.lambda);
    if (uses.engineSecrets === true) {
      grantEngineSecrets(this.lambda, this.#props.environment);
      services.add('secretsmanager');
    }
    if (uses.invokesEndpoint === true) need(endpoint, 'endpoint').grantInvoke(this.lambda);
    if (uses.managesAdapters === true) need(endpoint, 'endpoint').grantManageAdapters(this.lambda);
    if (uses.watchesAdapters === true) need(endpoint, 'endpoint').grantWatchAdapters(this.lambda);
    if (services.size > 0) grantKey(this.lambda, data.dataKey, { services: [...services], writes });
  }

  #attachTrigger(): void {
    const { trigger } = this.#definition;
    if (trigger.kind === 'queue') {
      need(this.#props.queues?.[trigger.queue], `queue ${trigger.queue}`).feed(this.lambda, trigger);
      acknowledge(this, {
        'Serverless::Serverless-LambdaEventSourceMappingDestination':
          'SQS sources have no failure destination: what fails goes to the queue’s own dead-letter queue.',
      });
    }
    if (trigger.kind === 'schedule') {
      new Rule(this, 'Schedule', {
        schedule: Schedule.rate(Duration.minutes(trigger.everyMinutes)),
        targets: [
          new FunctionTarget(this.lambda, {
            deadLetterQueue: need(this.lambda.deadLetterQueue, 'dead-letter queue'),
            retryAttempts: 0,
            maxEventAge: Duration.minutes(trigger.everyMinutes),
          }),
        ],
      });
    }
  }

  watch(alarms: AlarmSet): void {
    alarms.add(`${this.name}-errors`, {
      metric: this.lambda.metricErrors({ period: ALARM_PERIOD }),
      above: 0,
      meaning: `The function ${this.name} threw or ran out of time or memory.`,
      runbook: 'a-function-fails',
    });
    alarms.add(`${this.name}-throttles`, {
      metric: this.lambda.metricThrottles({ period: ALARM_PERIOD }),
      above: 0,
      periods: 2,
      meaning: `The function ${this.name} is refused more concurrency.`,
      runbook: 'a-function-is-throttled',
    });
    if (this.lambda.deadLetterQueue !== undefined) {
      alarms.add(`${this.name}-dead-letters`, {
        metric: this.lambda.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          period: ALARM_PERIOD,
          statistic: 'max',
        }),
        above: 0,
        meaning: `A scheduled run of ${this.name} did not happen or failed.`,
        runbook: 'dead-letters',
      });
    }
  }
}

const NOTHING = () => [];
const SHRINK_AFTERWARDS: ICommandHooks = {
  beforeBundling: NOTHING,
  beforeInstall: NOTHING,
  afterBundling: (_, folder) => [`"${process.execPath}" "${SHRINK_BUNDLE}" "${folder}/index.mjs"`],
};

/** esbuild's own words for the modules that stand in for others. */
const aliasArguments = (): Record<string, string> =>
  Object.fromEntries(Object.entries(BUNDLING.alias).map(([name, path]) => [`--alias:${name}`, path]));

function entries<K extends string, V>(record: Partial<Record<K, V>> | undefined): readonly [K, V][] {
  return Object.entries(record ?? {}) as [K, V][];
}

/** A definition that names what its stack does not bring is a mistake of the stack. */
function need<T>(value: T | undefined, what: string): T {
  if (value === undefined)
    throw new Error(`the stack brings no ${what}, which the function's definition uses`);
  return value;
}
