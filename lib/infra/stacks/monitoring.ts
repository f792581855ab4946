import { Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { acknowledge } from '#infra/acknowledge.ts';
import { ALARM_PERIOD, AlarmSet } from '#infra/constructs/alarmSet.ts';
import { AlarmTopic } from '#infra/constructs/alarmTopic.ts';
import type { Environment } from '#infra/environments.ts';
import { METRIC_NAMESPACE, METRICS } from '#io/definitions/metrics.ts';
import type { ApiStack } from './api.ts';
import type { CreditsStack } from './credits.ts';
import type { DataStack } from './data.ts';
import type { InferenceStack } from './inference.ts';
import type { MeteringStack } from './metering.ts';
import type { PaymentsStack } from './payments.ts';
import type { RoutingStack } from './routing.ts';
import type { TrainingStack } from './training.ts';

export type MonitoringStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly credits: CreditsStack;
  readonly metering: MeteringStack;
  readonly payments: PaymentsStack;
  readonly training: TrainingStack;
  readonly inference: InferenceStack;
  readonly routing: RoutingStack;
  readonly api: ApiStack;
};

/** What each counted thing means when it is above zero, and where the runbook treats it. */
const COUNTED: Readonly<
  Record<keyof typeof METRICS, { readonly meaning: string; readonly runbook: string }>
> = {
  holdsExpired: {
    meaning: 'Holds ran out of time: their function died before it settled or voided them.',
    runbook: 'holds-expire',
  },
  poisonEvents: {
    meaning: 'Usage events cannot be read or rated, and are given up.',
    runbook: 'poison-events',
  },
  shortfalls: {
    meaning: 'Calls cost more than their hold and the balance behind it.',
    runbook: 'a-charge-falls-short',
  },
  unsentEvents: {
    meaning: 'Answered calls could be neither queued for settlement nor kept: nobody is charged for them.',
    runbook: 'usage-is-not-queued',
  },
  enginesResting: {
    meaning: 'An engine failed several times in a row: its calls are refused with 503 for a while.',
    runbook: 'an-engine-rests',
  },
  unusualUse: {
    meaning: 'API keys are used in an unusual way: somebody else may have them.',
    runbook: 'a-key-is-used-in-an-unusual-way',
  },
  archiveFailures: {
    meaning: 'Hours of usage could not be archived; the next run tries again.',
    runbook: 'the-archive-falls-behind',
  },
  sealFailures: {
    meaning: 'Books could not be sealed, or do not add up with their account.',
    runbook: 'a-book-is-not-sealed',
  },
  adapterFailures: {
    meaning: 'Adapters could not be loaded, did not prove to answer, or were lost by their endpoint.',
    runbook: 'an-adapter-is-not-deployed',
  },
  adaptersOut: {
    meaning: 'Adapters that were in service are not: calls of their models are refused with 503.',
    runbook: 'an-adapter-is-out-of-service',
  },
  unseenAdapters: {
    meaning: 'Adapters of some tenants, or copies of an endpoint, cannot be looked at.',
    runbook: 'adapters-are-not-looked-at',
  },
  unmatchedPayments: {
    meaning: 'Dodo told of payments that belong to no checkout of ours.',
    runbook: 'a-payment-has-no-checkout',
  },
  missedPayments: {
    meaning: 'Payments were found whose webhook never came.',
    runbook: 'webhooks-are-late',
  },
  refillsFailed: {
    meaning: 'Charges of automatic refills failed; their tenants were told.',
    runbook: 'refills-fail',
  },
  unmatchedRefills: {
    meaning: 'An automatic refill took money that fits no offer of ours.',
    runbook: 'a-payment-has-no-checkout',
  },
  stuckRefills: {
    meaning: 'Automatic refills are open for more than a day.',
    runbook: 'a-refill-is-stuck',
  },
  dunningFailures: {
    meaning: 'Accounts could not be suspended or opened again as their payments ask.',
    runbook: 'dunning-fails',
  },
  unknownDifferences: {
    meaning: 'Two of the books (gateway, ledger, Dodo, AWS) differ, and nothing explains it.',
    runbook: 'the-books-differ',
  },
  failedNotices: {
    meaning: 'Notices could not be sent to a client or to the agency.',
    runbook: 'a-notice-is-not-sent',
  },
  unmatchedSubscriptions: {
    meaning: 'Dodo told of subscriptions or licence keys that fit no purchase of ours.',
    runbook: 'a-subscription-is-not-ours',
  },
  lateUsage: {
    meaning: 'Usage beyond what was prepaid is not on Dodo’s meter: nobody is invoiced for it.',
    runbook: 'usage-is-not-on-the-meter',
  },
  reportFailures: {
    meaning: 'Usage cannot be reported to Dodo; what is older than an hour comes too late.',
    runbook: 'usage-is-not-on-the-meter',
  },
  trainingFailed: {
    meaning: 'Training jobs failed by our fault; their clients have their credits back.',
    runbook: 'training-fails',
  },
  unreconciledJobs: {
    meaning: 'Training jobs that have been silent could not be looked after; the next run tries again.',
    runbook: 'training-is-silent',
  },
  freeCreditFailures: {
    meaning: 'Free credits of the month could not be granted; the next run tries again.',
    runbook: 'free-credits-fail',
  },
  lateWebhooks: {
    meaning: 'Webhooks arrive long after Dodo made them.',
    runbook: 'webhooks-are-late',
  },
};

/** Alarms for everything that a person must look at, the topic that tells them, and one page of graphs. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    const {
      environment,
      data,
      credits,
      metering,
      payments,
      training,
      inference,
      routing,
      api,
      ...stackProps
    } = props;
    super(scope, id, stackProps);
    const topic = new AlarmTopic(this, 'Alarms', { environment, key: data.messageKey });
    if (environment.alarmEmail !== undefined) {
      const email = topic.addSubscription(new EmailSubscription(environment.alarmEmail));
      acknowledge(email, {
        'Serverless::Serverless-SNSRedrivePolicy': 'Mail has its own retries; the alarm stays in CloudWatch.',
      });
    }
    const alarms = new AlarmSet(this, 'Alarm', { topic, environment });
    for (const part of [credits, metering, payments, training, inference, routing, api]) part.watch(alarms);
    watchTables(alarms, data);
    for (const [id, { meaning, runbook }] of entries(COUNTED)) {
      alarms.add(kebab(id), { metric: countedMetric(id), above: 0, meaning, runbook });
    }
    this.#dashboard(props, alarms);
  }

  #dashboard(
    { environment, api, credits, metering, payments, training, routing }: MonitoringStackProps,
    alarms: AlarmSet,
  ): void {
    const functions = [
      api.chat,
      api.clientAccount,
      api.control,
      api.files,
      api.authorizer,
      payments.webhook,
      payments.apply,
      ...payments.subscriptionFunctions,
      ...credits.functions,
      ...metering.functions,
      ...training.functions,
      ...routing.functions,
    ];
    const period = ALARM_PERIOD;
    const graph = (title: string, left: cloudwatch.IMetric[]) =>
      new cloudwatch.GraphWidget({ title, left, width: 12, height: 6 });
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `tunegate-${environment.name}`,
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: alarms.alarms, width: 24, height: 6 })],
        [
          graph('Requests', [
            api.api.metricCount({ period }),
            api.api.metricClientError({ period }),
            api.api.metricServerError({ period }),
          ]),
          graph(
            'Latency, p50 and p99',
            ['p50', 'p99'].map((statistic) => api.api.metricLatency({ period, statistic })),
          ),
        ],
        [
          graph(
            'Function errors',
            functions.map((fn) => fn.lambda.metricErrors({ period })),
          ),
          graph(
            'Function time, p99',
            functions.map((fn) => fn.lambda.metricDuration({ period, statistic: 'p99' })),
          ),
        ],
        [
          graph(
            'Oldest message',
            [metering.usage, credits.refills, payments.payments, training.datasets].map(({ queue }) =>
              queue.metricApproximateAgeOfOldestMessage({ period }),
            ),
          ),
          graph(
            'Counted',
            entries(COUNTED).map(([id]) => countedMetric(id)),
          ),
        ],
      ],
    });
  }
}

function watchTables(alarms: AlarmSet, data: DataStack): void {
  for (const [name, table] of Object.entries(data.tables)) {
    const sum = (metricName: string) =>
      new cloudwatch.Metric({
        namespace: 'AWS/DynamoDB',
        metricName,
        dimensionsMap: { TableName: table.tableName },
        statistic: 'sum',
        period: ALARM_PERIOD,
      });
    alarms.add(`${name}-table-throttled`, {
      metric: new cloudwatch.MathExpression({
        expression: 'reads + writes',
        usingMetrics: { reads: sum('ReadThrottleEvents'), writes: sum('WriteThrottleEvents') },
        period: ALARM_PERIOD,
      }),
      above: 0,
      periods: 2,
      meaning: `The table ${name} refuses requests: its ceiling or one hot key is reached.`,
      runbook: 'a-table-throttles',
    });
    alarms.add(`${name}-table-errors`, {
      metric: table.metricSystemErrorsForOperations({
        operations: SYSTEM_ERROR_OPERATIONS,
        period: ALARM_PERIOD,
      }),
      above: 0,
      periods: 2,
      meaning: `DynamoDB itself fails on the table ${name}.`,
      runbook: 'a-table-fails',
    });
  }
}

const SYSTEM_ERROR_OPERATIONS = [
  dynamodb.Operation.GET_ITEM,
  dynamodb.Operation.QUERY,
  dynamodb.Operation.UPDATE_ITEM,
  dynamodb.Operation.TRANSACT_WRITE_ITEMS,
];

const countedMetric = (id: keyof typeof METRICS): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName: METRICS[id].name,
    dimensionsMap: { service: METRICS[id].service },
    statistic: 'sum',
    period: ALARM_PERIOD,
  });

const entries = <K extends string, V>(record: Readonly<Record<K, V>>) => Object.entries(record) as [K, V][];
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
