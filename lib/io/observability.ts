import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

const NAMESPACE = 'Tunegate';

/** A function's log and metrics: JSON lines on standard output, which CloudWatch reads. Level: POWERTOOLS_LOG_LEVEL. */
export const makeObservability = (serviceName: string) => ({
  logger: new Logger({ serviceName }),
  metrics: new Metrics({ namespace: NAMESPACE, serviceName }),
});

export type Observability = ReturnType<typeof makeObservability>;

/** Counts one of a metric that several functions count: at once, and under its own service. */
export const countAs = ({ name, service }: { readonly name: string; readonly service: string }): void => {
  new Metrics({ namespace: NAMESPACE, serviceName: service, singleMetric: true }).addMetric(name, 'Count', 1);
};
