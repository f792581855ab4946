#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { findEnvironment } from '#infra/environments.ts';
import { monthlyEstimate } from '#infra/monthlyEstimate.ts';
import { addTunegate } from '#infra/tunegate.ts';

try {
  const app = new App();
  const environment = findEnvironment(app.node.tryGetContext('env'));
  addTunegate(app, environment);
  console.error(monthlyEstimate(environment));
  app.synth();
} catch (error) {
  // One line says it: the stack of a mistake in the command would only hide it.
  console.error(`tunegate: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env['DEBUG'] !== undefined) console.error(error);
  process.exitCode = 1;
}
