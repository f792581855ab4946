import { spawnSync } from 'node:child_process';
import { ENVIRONMENTS } from '#infra/environments.ts';

/**
 * Synthesizes every environment with cdk-nag into `cdk.out/<name>`, and production with endpoints of single tenants;
 * ends non-zero when one has a finding.
 */
let failed = 0;
function synthesize(name: string, args: readonly string[]): void {
  const { status } = spawnSync(
    'node_modules/.bin/cdk',
    ['synth', '--quiet', '--output', `cdk.out/${name}`, ...args],
    { stdio: 'inherit', env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' } },
  );
  if (status !== 0) failed += 1;
  console.log(`synth ${name}: ${status === 0 ? 'clean' : 'FAILED'}`);
}
for (const name of Object.keys(ENVIRONMENTS)) synthesize(name, ['--context', `env=${name}`]);
synthesize('prod-dedicated', ['--app', 'node test/check/dedicatedApp.ts']);
process.exitCode = failed === 0 ? 0 : 1;
