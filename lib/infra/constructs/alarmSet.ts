import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Environment } from '#infra/environments.ts';

export type AlarmOptions = {
  readonly metric: Metric | IMetric;
  /** Rings when the metric is above this. */
  readonly above: number;
  /** How many periods in a row; 1 when left out. */
  readonly periods?: number;
  /** One sentence: what is happening when it rings. */
  readonly meaning: string;
  /** The section of docs/runbook.md that says what to do, as its anchor. */
  readonly runbook: string;
};

/** Alarms that all speak to one topic and all say where their runbook section is. */
export class AlarmSet extends Construct {
  readonly alarms: Alarm[] = [];
  readonly #topic: ITopic;
  readonly #environment: Environment;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly topic: ITopic; readonly environment: Environment },
  ) {
    super(scope, id);
    this.#topic = props.topic;
    this.#environment = props.environment;
  }

  add(id: string, { metric, above, periods = 1, meaning, runbook }: AlarmOptions): void {
    const alarm = new Alarm(this, id, {
      alarmName: `tunegate-${this.#environment.name}-${id}`,
      alarmDescription: `${meaning} Runbook: ${this.#environment.runbookUrl}#${runbook}`,
      metric,
      threshold: above,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING, // what counts failures is silent while there are none
    });
    alarm.addAlarmAction(new SnsAction(this.#topic));
    alarm.addOkAction(new SnsAction(this.#topic));
    this.alarms.push(alarm);
  }
}

export const ALARM_PERIOD = Duration.minutes(5);
