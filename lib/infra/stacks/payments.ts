import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AlarmSet } from '#infra/constructs/alarmSet.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import { WorkQueue } from '#infra/constructs/workQueue.ts';
import type { Environment } from '#infra/environments.ts';
import type { CreditsStack } from './credits.ts';
import type { DataStack } from './data.ts';

const LATE_AFTER = Duration.minutes(10);

export type PaymentsStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly credits: CreditsStack;
};

/**
 * From Dodo's webhook to credits, subscriptions and keys: the function that takes the webhook, the queues, the functions
 * that apply what it told of, those that look for what never came, and the one that reports overage back.
 */
export class PaymentsStack extends Stack {
  readonly payments: WorkQueue;
  readonly webhook: TunegateFunction;
  readonly apply: TunegateFunction;
  readonly find: TunegateFunction;
  /** Here, because it queues payments whose webhook never came. */
  readonly reconcile: TunegateFunction;
  readonly subscriptions: WorkQueue;
  /** What keeps subscriptions, licences and overage in step with Dodo. */
  readonly subscriptionFunctions: readonly TunegateFunction[];

  constructor(scope: Construct, id: string, { environment, data, credits, ...props }: PaymentsStackProps) {
    super(scope, id, { ...props, terminationProtection: environment.keepsData });
    this.payments = new WorkQueue(this, 'payments', { environment, key: data.messageKey });
    this.subscriptions = new WorkQueue(this, 'subscriptions', { environment, key: data.messageKey });
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: {
        payments: this.payments,
        subscriptions: this.subscriptions,
        refills: credits.refills,
        reconciliations: credits.reconciliations,
      },
    };
    this.webhook = new TunegateFunction(this, 'dodo-webhook', shared);
    this.apply = new TunegateFunction(this, 'apply-payment', shared);
    this.find = new TunegateFunction(this, 'find-missed-payments', shared);
    this.reconcile = new TunegateFunction(this, 'reconcile-books', shared);
    this.subscriptionFunctions = [
      new TunegateFunction(this, 'apply-subscription', shared),
      new TunegateFunction(this, 'find-due-subscriptions', shared),
      new TunegateFunction(this, 'report-usage', shared),
    ];
  }

  watch(alarms: AlarmSet): void {
    this.payments.watch(alarms, { maxAge: LATE_AFTER });
    this.webhook.watch(alarms);
    this.apply.watch(alarms);
    this.find.watch(alarms);
    this.reconcile.watch(alarms);
    this.subscriptions.watch(alarms, { maxAge: LATE_AFTER });
    for (const fn of this.subscriptionFunctions) fn.watch(alarms);
  }
}
