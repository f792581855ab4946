import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { ENVIRONMENTS } from '#infra/environments.ts';

// A second opinion on the templates that `npm run synth` left in cdk.out: cfn-lint, a Python program, where it is.

/** Rules that cfn-lint applies wrongly to what the CDK makes, each with why. */
const IGNORED: Readonly<Record<string, string>> = {
  W3005: 'DependsOn that a reference already implies: the CDK writes both, and it does no harm',
};

const runners = [['cfn-lint'], ['python3', '-m', 'cfnlint']];
const runner = runners.find(
  ([command = '', ...rest]) => spawnSync(command, [...rest, '--version']).status === 0,
);
if (runner === undefined) {
  console.log('SKIPPED: cfn-lint is not installed (pip install cfn-lint); the templates were not linted');
} else {
  const templates = Object.keys(ENVIRONMENTS).flatMap((name) => globSync(`cdk.out/${name}/*.template.json`));
  if (templates.length === 0) throw new Error('there are no templates in cdk.out: run npm run synth first');
  const [command = '', ...rest] = runner;
  const args = [...rest, '--ignore-checks', ...Object.keys(IGNORED), '--', ...templates];
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  console.log(`${templates.length} templates: ${status === 0 ? 'clean' : 'FINDINGS'}`);
  process.exitCode = status ?? 1;
}
