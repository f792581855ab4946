import { EXIT, runJob } from './runJob.ts';

// What the local SageMaker runs as a job's container: a process of its own, told by SIGTERM that it has to end. Its
// folder is given as the container of SageMaker has /opt/ml.
let told = false;
process.on('SIGTERM', () => {
  told = true;
});
// Whoever started it is gone: it will be started again, perhaps in the same folder, so nothing more is written.
process.stdin.once('close', () => process.exit(EXIT.interrupted)).resume();
process.exit(await runJob(process.env['TUNEGATE_ML_ROOT'] ?? '/opt/ml', () => told));
