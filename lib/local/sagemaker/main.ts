import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { QUEUES } from '#io/definitions/resources.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { type LocalEngine, openEngine } from '#local/engine/engine.ts';
import { listenOnLoopback, serveUntilTold } from '#local/shared/serviceMain.ts';
import { openComponents } from './components.ts';
import { makeSageMakerServer } from './server.ts';
import { chooseTrainer } from './training/chooseTrainer.ts';
import { openEventOutbox } from './training/eventOutbox.ts';
import { makeFaults } from './training/faults.ts';
import { makeQueueSender } from './training/sendToQueue.ts';
import { openTrainingJobs } from './training/trainingJobs.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    data: { type: 'string', default: '.tunegate/sagemaker' },
    bases: { type: 'string', default: 'containers/bases' },
    endpoint: { type: 'string', default: 'tunegate-inference' },
    /** `node`, or `python` where the interpreter of --python has torch, transformers and peft. */
    trainer: { type: 'string', default: 'node' },
    python: { type: 'string', default: 'python3' },
    /** Training jobs that run side by side, 1 or 2; the others wait. */
    'trainings-at-once': { type: 'string', default: '1' },
  },
});

try {
  await serve();
} catch (error) {
  console.error(
    `the local SageMaker could not start: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exit(1);
}

async function serve(): Promise<void> {
  const started = performance.now();
  const dataDirectory = resolve(values.data);
  const engines = new Map<string, LocalEngine>();
  for (const entry of readdirSync(values.bases, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const base = readBaseModel(resolve(values.bases, entry.name));
    engines.set(base.id, await openEngine(base, join(dataDirectory, 'gguf')));
  }
  const components = openComponents({ dataDirectory, endpointName: values.endpoint, engines });
  const queueUrl = process.env[QUEUES.trainingEvents.env];
  const events =
    queueUrl === undefined
      ? undefined
      : openEventOutbox(join(dataDirectory, 'training-events'), makeQueueSender(queueUrl));
  const jobs = openTrainingJobs({
    dataDirectory,
    trainer: chooseTrainer(values.trainer, values.python),
    atOnce: values['trainings-at-once'] === '2' ? 2 : 1,
    publish: events?.publish ?? (() => undefined),
    nowMs: Date.now,
  });
  const training = { jobs, faults: makeFaults(jobs) };
  const server = makeSageMakerServer({ engines, components, training });
  const url = await listenOnLoopback(server, Number(values.port));
  const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
  const readyMs = Math.round(performance.now() - started);
  console.error(`${[...engines.keys()].join(', ')} ready in ${readyMs} ms, ${rssMb} MB`);
  serveUntilTold(url, async () => {
    server.close();
    server.closeAllConnections();
    await jobs.shutDown();
    events?.stop();
  });
}
