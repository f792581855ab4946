import { App } from 'aws-cdk-lib';
import { type Environment, findEnvironment } from '#infra/environments.ts';
import { monthlyEstimate } from '#infra/monthlyEstimate.ts';
import { addTunegate } from '#infra/tunegate.ts';

/** Production with endpoints of single tenants: one that only has a name, and one that differs in what may differ. */
const environment: Environment = {
  ...findEnvironment('prod'),
  dedicatedEndpoints: {
    acme: {},
    'contoso-europe': {
      instanceType: 'ml.g5.4xlarge',
      instanceUsdPerHour: 2.03,
      minCopies: 1,
      maxInstances: 2,
    },
  },
};
const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
addTunegate(app, environment);
console.error(monthlyEstimate(environment));
app.synth();
