import { spawnSync } from 'node:child_process';
import { ENVIRONMENTS } from '#infra/environments.ts';

/** Synthesizes every environment with cdk-nag into `cdk.out/<name>`; ends non-zero when one has a finding. */
let failed = 0;
for (const name of Object.keys(ENVIRONMENTS)) {
  const args = ['synth', '--quiet', '--context', `env=${name}`, '--output', `cdk.out/${name}`];
  const { status } = spawnSync('node_modules/.bin/cdk', args, {
    stdio: 'inherit',
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
  });
  if (status !== 0) failed += 1;
  console.log(`synth ${name}: ${status === 0 ? 'clean' : 'FAILED'}`);
}
process.exitCode = failed === 0 ? 0 : 1;
