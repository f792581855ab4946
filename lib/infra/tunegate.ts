import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import type { Environment } from './environments.ts';
import { DataStack } from './stacks/data.ts';

export type Tunegate = { readonly data: DataStack };

/** Adds one environment's stacks to the app, in the order in which they depend on each other. */
export function addTunegate(app: App, environment: Environment): Tunegate {
  const { name, account, region } = environment;
  const props = {
    environment,
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
  };
  const data = new DataStack(app, `tunegate-${name}-data`, props);

  Tags.of(app).add('product', 'tunegate');
  Tags.of(app).add('environment', name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { data };
}
