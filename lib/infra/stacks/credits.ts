import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { DataStack } from './data.ts';

const LATE_AFTER = Duration.minutes(10);
/** A run takes minutes, and three days are asked for at once. */
const RECONCILED_WITHIN = Duration.hours(2);

export type CreditsStackProps = StackProps & { readonly environment: Environment; readonly data: DataStack };

/** What happens to credits without anybody at a checkout: refills, free credits, dunning, and the notices that tell of them. */
export class CreditsStack extends Stack {
  readonly refills: WorkQueue;
  readonly reconciliations: WorkQueue;
  readonly functions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, ...props }: CreditsStackProps) {
    super(scope, id, { ...props, terminationProtection: environment.keepsData });
    this.refills = new WorkQueue(this, 'refills', { environment, key: data.messageKey });
    this.reconciliations = new WorkQueue(this, 'reconciliations', { environment, key: data.messageKey });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: {
        refills: this.refills,
        reconciliations: this.reconciliations,
      },
    };
    this.functions = [
      new TunegateFunction(this, 'refill-credits', shared),
      new TunegateFunction(this, 'sweep-refills', shared),
      new TunegateFunction(this, 'send-notices', shared),
      new TunegateFunction(this, 'grant-free-credits', shared),
      new TunegateFunction(this, 'apply-dunning', shared),
      new TunegateFunction(this, 'start-reconciliation', shared),
    ];
  }

  watch(alarms: AlarmSet): void {
    this.refills.watch(alarms, { maxAge: LATE_AFTER });
    this.reconciliations.watch(alarms, { maxAge: RECONCILED_WITHIN });
    for (const fn of this.functions) fn.watch(alarms);
  }
}
