import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where a job's files are, as `/opt/ml` is in a container of SageMaker. */
export type JobFolder = {
  readonly hyperParameters: string;
  /** The folder of a channel; undefined when the job does not have it. */
  readonly channel: (name: 'base' | 'train' | 'validation' | 'settings') => string | undefined;
  readonly checkpoints: string;
  readonly model: string;
  readonly failure: string;
};

export const jobFolder = (root: string): JobFolder => ({
  hyperParameters: join(root, 'input/config/hyperparameters.json'),
  channel: (name) => {
    const path = join(root, 'input/data', name);
    return existsSync(path) ? path : undefined;
  },
  checkpoints: join(root, 'checkpoints'),
  model: join(root, 'model'),
  failure: join(root, 'output/failure'),
});
