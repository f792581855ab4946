import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from './data.ts';

/** A large file takes minutes to check, and one that waits behind others as much again. */
const LATE_AFTER = Duration.minutes(30);

export type TrainingStackProps = StackProps & { readonly environment: Environment; readonly data: DataStack };

/** From a client's file to what a training job may learn from: the queue of files, and the function that checks them. */
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
      queues: { datasets: this.datasets },
    };
    this.functions = [new TunegateFunction(this, 'check-dataset', shared)];
  }

  watch(alarms: AlarmSet): void {
    this.datasets.watch(alarms, { maxAge: LATE_AFTER });
    this.jobs.watch(alarms, { maxAge: LATE_AFTER });
    this.events.watch(alarms, { maxAge: LATE_AFTER });
    this.adapters.watch(alarms, { maxAge: LATE_AFTER });
    for (const fn of this.functions) fn.watch(alarms);
  }
}
