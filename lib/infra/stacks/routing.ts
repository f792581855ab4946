import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from './data.ts';
import type { InferenceStack } from './inference.ts';

/** Copies that wait longer are dropped by their queue soon; calls have no need of them. */
const LATE_AFTER = Duration.minutes(30);

export type RoutingStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly inference: InferenceStack;
};

/** Off the path of calls: the queue of copies for shadows, and the function that puts them to their shadows. */
export class RoutingStack extends Stack {
  readonly shadows: WorkQueue;
  readonly functions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, inference, ...props }: RoutingStackProps) {
    super(scope, id, { ...props, terminationProtection: environment.keepsData });
    this.shadows = new WorkQueue(this, 'shadows', { environment, key: data.messageKey });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: { shadows: this.shadows },
      endpoint: inference,
    };
    this.functions = [new TunegateFunction(this, 'shadow-call', shared)];
  }

  watch(alarms: AlarmSet): void {
    this.shadows.watch(alarms, { maxAge: LATE_AFTER });
    for (const fn of this.functions) fn.watch(alarms);
  }
}
