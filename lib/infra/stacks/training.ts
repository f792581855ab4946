import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Match, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { trainingNamePrefix } from '#infra/constructs/functionSettings.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TrainingRole } from '#infra/constructs/trainingRole.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from './data.ts';

/** A large file takes minutes to check, and one that waits behind others as much again. */
const LATE_AFTER = Duration.minutes(30);

export type TrainingStackProps = StackProps & { readonly environment: Environment; readonly data: DataStack };

/** From a client's file to an adapter: queues, the functions behind them, and what a training job may do. */
export class TrainingStack extends Stack {
  readonly datasets: WorkQueue;
  readonly jobs: WorkQueue;
  readonly events: WorkQueue;
  readonly adapters: WorkQueue;
  readonly functions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, ...props }: TrainingStackProps) {
    super(scope, id, { ...props, terminationProtection: environment.keepsData });
    this.datasets = new WorkQueue(this, 'datasets', { environment, key: data.messageKey });
    this.jobs = new WorkQueue(this, 'training', { environment, key: data.messageKey });
    this.events = new WorkQueue(this, 'trainingEvents', { environment, key: data.messageKey });
    this.adapters = new WorkQueue(this, 'adapters', { environment, key: data.messageKey });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: {
        datasets: this.datasets,
        training: this.jobs,
        trainingEvents: this.events,
        adapters: this.adapters,
      },
      training: new TrainingRole(this, 'Job', { environment, data }),
    };
    this.functions = [
      new TunegateFunction(this, 'check-dataset', shared),
      new TunegateFunction(this, 'start-training', shared),
      new TunegateFunction(this, 'training-events', shared),
      new TunegateFunction(this, 'reconcile-training', shared),
    ];
    this.#listen(environment);
  }

  /** What SageMaker says of this environment's training jobs goes through a queue, so that none of it is lost. */
  #listen(environment: Environment): void {
    new Rule(this, 'StateChanges', {
      eventPattern: {
        source: ['aws.sagemaker'],
        detailType: ['SageMaker Training Job State Change'],
        detail: { TrainingJobName: Match.prefix(`${trainingNamePrefix(environment)}-ftjob-`) },
      },
      targets: [
        new SqsQueue(this.events.queue as IQueue, { deadLetterQueue: this.events.deadLetters as IQueue }),
      ],
    });
  }

  watch(alarms: AlarmSet): void {
    this.datasets.watch(alarms, { maxAge: LATE_AFTER });
    this.jobs.watch(alarms, { maxAge: LATE_AFTER });
    this.events.watch(alarms, { maxAge: LATE_AFTER });
    this.adapters.watch(alarms, { maxAge: LATE_AFTER });
    for (const fn of this.functions) fn.watch(alarms);
  }
}
