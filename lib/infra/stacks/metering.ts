import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { CreditsStack } from './credits.ts';
import type { DataStack } from './data.ts';

const LATE_AFTER = Duration.minutes(5);

export type MeteringStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly credits: CreditsStack;
};

/** From a usage event to an entry of the account book: the queue, its settlement, the archive, the sweeper of holds, the seals of statements. */
export class MeteringStack extends Stack {
  readonly usage: WorkQueue;
  readonly functions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, credits, ...props }: MeteringStackProps) {
    super(scope, id, { ...props, terminationProtection: environment.keepsData });
    this.usage = new WorkQueue(this, 'usage', { environment, key: data.messageKey });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: { usage: this.usage, refills: credits.refills },
    };
    this.functions = [
      new TunegateFunction(this, 'settle-usage', shared),
      new TunegateFunction(this, 'resend-usage', shared),
      new TunegateFunction(this, 'archive-usage', shared),
      new TunegateFunction(this, 'expire-holds', shared),
      new TunegateFunction(this, 'seal-books', shared),
      new TunegateFunction(this, 'watch-usage', shared),
    ];
  }

  watch(alarms: AlarmSet): void {
    this.usage.watch(alarms, { maxAge: LATE_AFTER });
    for (const fn of this.functions) fn.watch(alarms);
  }
}
