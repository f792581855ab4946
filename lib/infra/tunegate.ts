import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { checkEndpoints } from './checkEndpoints.ts';
import type { Environment } from './environments.ts';
import { ApiStack } from './stacks/api.ts';
import { CreditsStack } from './stacks/credits.ts';
import { DataStack } from './stacks/data.ts';
import { InferenceStack } from './stacks/inference.ts';
import { MeteringStack } from './stacks/metering.ts';
import { MonitoringStack } from './stacks/monitoring.ts';
import { PaymentsStack } from './stacks/payments.ts';
import { RoutingStack } from './stacks/routing.ts';
import { TrainingStack } from './stacks/training.ts';

/** The CDK would tag these, and CloudFormation's own schemas as cfn-lint has them know no tags on them. */
const UNTAGGED = ['AWS::CloudWatch::Dashboard', 'AWS::ApplicationAutoScaling::ScalableTarget'];

/** Adds one environment's stacks to the app, in the order in which they depend on each other. */
export function addTunegate(app: App, environment: Environment) {
  checkEndpoints(environment);
  const { name, account, region } = environment;
  const shared = {
    environment,
    env: account === undefined ? { region } : { account, region },
  };
  const data = new DataStack(app, `tunegate-${name}-data`, shared);
  const credits = new CreditsStack(app, `tunegate-${name}-credits`, { ...shared, data });
  const metering = new MeteringStack(app, `tunegate-${name}-metering`, { ...shared, data, credits });
  const payments = new PaymentsStack(app, `tunegate-${name}-payments`, { ...shared, data, credits });
  const training = new TrainingStack(app, `tunegate-${name}-training`, { ...shared, data });
  const inference = new InferenceStack(app, `tunegate-${name}-inference`, { ...shared, data, training });
  const routing = new RoutingStack(app, `tunegate-${name}-routing`, { ...shared, data, inference });
  const api = new ApiStack(app, `tunegate-${name}-api`, {
    ...shared,
    data,
    credits,
    metering,
    payments,
    training,
    inference,
    routing,
  });
  const monitoring = new MonitoringStack(app, `tunegate-${name}-monitoring`, {
    ...shared,
    data,
    credits,
    metering,
    payments,
    training,
    inference,
    routing,
    api,
  });

  for (const [tag, value] of Object.entries({ product: 'tunegate', environment: name })) {
    Tags.of(app).add(tag, value, { excludeResourceTypes: UNTAGGED });
  }
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { data, credits, metering, payments, training, inference, routing, api, monitoring };
}
