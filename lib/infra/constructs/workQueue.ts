import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { type IQueue, Queue, QueueEncryption, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '#infra/acknowledge.ts';
import type { Environment } from '#infra/environments.ts';
import { grantKey } from '#infra/grants.ts';
import type { FunctionTrigger } from '#io/definitions/functions.ts';
import { LONGEST_KEPT_SECONDS, QUEUES, type QueueDefinition } from '#io/definitions/resources.ts';
import { ALARM_PERIOD, type AlarmSet } from './alarmSet.ts';

const DATA_KEY_REUSE = Duration.hours(1);

export type WorkQueueProps = { readonly environment: Environment; readonly key: Key };

/** A queue with its dead-letter queue; its messages are kept as long as its definition says. */
export class WorkQueue extends Construct {
  readonly name: keyof typeof QUEUES;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly #key: Key;

  constructor(scope: Construct, name: keyof typeof QUEUES, props: WorkQueueProps) {
    super(scope, `${name}Queue`);
    const definition: QueueDefinition = QUEUES[name];
    const shared = {
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: props.key,
      dataKeyReuse: DATA_KEY_REUSE,
      enforceSSL: true,
      retentionPeriod: Duration.seconds(definition.keptSeconds ?? LONGEST_KEPT_SECONDS),
      removalPolicy: props.environment.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    };
    const physicalName = `tunegate-${props.environment.name}-${definition.name}`;
    this.name = name;
    this.#key = props.key;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...shared,
      queueName: `${physicalName}-dlq`,
      redriveAllowPolicy: {
        redrivePermission: RedrivePermission.BY_QUEUE,
        sourceQueues: [
          Queue.fromQueueArn(
            this,
            'Source',
            Stack.of(this).formatArn({ service: 'sqs', resource: physicalName }),
          ),
        ],
      },
    });
    acknowledge(this.deadLetters, {
      'Serverless::Serverless-SQSRedrivePolicy': 'It is the dead-letter queue; an alarm watches it.',
    });
    this.queue = new Queue(this, 'Queue', {
      ...shared,
      queueName: physicalName,
      visibilityTimeout: Duration.seconds(definition.visibilitySeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: definition.maxReceives },
    });
  }

  /** Lets a function put messages in, and tells it the queue's URL. */
  grantSend(fn: LambdaFunction): void {
    fn.addEnvironment(QUEUES[this.name].env, this.queue.queueUrl);
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    grantKey(fn, this.#key, { services: ['sqs'], writes: true });
  }

  /**
   * Has the queue's messages handed to a function; those it reports as failed come back, the others are done. The
   * source lets it change their visibility too, for which it is told the queue's URL.
   */
  feed(fn: LambdaFunction, trigger: Extract<FunctionTrigger, { kind: 'queue' }>): void {
    fn.addEnvironment(QUEUES[this.name].env, this.queue.queueUrl);
    fn.addEventSource(
      new SqsEventSource(this.queue as IQueue, {
        batchSize: trigger.batchSize,
        maxBatchingWindow: Duration.seconds(trigger.windowSeconds),
        maxConcurrency: trigger.maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }

  watch(alarms: AlarmSet, options: { readonly maxAge: Duration }): void {
    alarms.add(`${QUEUES[this.name].name}-queue-age`, {
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: ALARM_PERIOD }),
      above: options.maxAge.toSeconds(),
      periods: 2,
      meaning: `The oldest message of the ${QUEUES[this.name].name} queue waits for more than ${options.maxAge.toMinutes()} minutes.`,
      runbook: 'a-queue-is-late',
    });
    alarms.add(`${QUEUES[this.name].name}-dead-letters`, {
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: ALARM_PERIOD,
        statistic: 'max',
      }),
      above: 0,
      meaning: `Messages of the ${QUEUES[this.name].name} queue were given up after ${QUEUES[this.name].maxReceives} deliveries.`,
      runbook: 'dead-letters',
    });
  }
}
