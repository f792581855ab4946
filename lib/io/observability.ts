import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

const NAMESPACE = 'Tunegate';

/** A function's log and metrics: JSON lines on standard output, which CloudWatch reads. Level: POWERTOOLS_LOG_LEVEL. */
export const makeObservability = (serviceName: string) => ({
  logger: new Logger({ serviceName }),
  metrics: new Metrics({ namespace: NAMESPACE, serviceName }),
});
