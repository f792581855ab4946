import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireReconcileTraining } from '#io/wire/reconcileTraining.ts';

const { reconcile, logger, metrics } = wireReconcileTraining(process.env);

/** Every minute: looks after training jobs that have been silent. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => reconcile());
