import { prepareVersion, type VersionOptions } from '#core/datasets/prepareVersion.ts';
import type { Side } from '#core/datasets/splitSide.ts';
import { contentKey } from '#core/files/types.ts';
import type { FileId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { JOB_LIMITS } from './limits.ts';
import type { LineWriter, TrainingDesk } from './ports.ts';
import { trainerSettings } from './trainerSettings.ts';
import { jobPrefix } from './trainingRequest.ts';
import type { JobDataset, JobError, TrainingJob } from './types.ts';

type Param = NonNullable<JobError['param']>;

/**
 * Makes the dataset version of a job, and writes what SageMaker is given: `train/`, `validation/`, `settings/`, and
 * `version.json` that says what the version is. Repeated, it writes the same bytes. Errors: what the client is told.
 */
export async function prepareJob(
  desk: TrainingDesk,
  job: TrainingJob,
): Promise<Result<JobDataset, JobError>> {
  const endsAtMs = desk.world.clock() + JOB_LIMITS.preparingMs;
  const isLate = () => desk.world.clock() > endsAtMs;
  const held =
    job.validationFile === null ? null : await makeValidation(desk, job, job.validationFile, isLate);
  if (held !== null && !held.ok) return held;
  const options = {
    ...job.datasetOptions,
    seed: job.seed,
    validationShare: held === null ? job.datasetOptions.validationShare : 0,
  };
  const made = await makeVersion(desk, job, {
    file: job.trainingFile,
    param: 'training_file',
    options,
    isLate,
    keys: { training: dataKey(job, 'train'), validation: dataKey(job, 'validation') },
  });
  if (!made.ok) return made;
  const validation = held?.value;
  const dataset: JobDataset = {
    ...made.value,
    validationSha256: validation?.sha256 ?? null,
    examples: {
      ...made.value.examples,
      validation: validation?.examples.training ?? made.value.examples.validation,
    },
  };
  if (dataset.examples.training === 0) return err(nothingLeft);
  const write = (name: string, value: unknown) =>
    desk.objects.put(`${jobPrefix(job)}${name}`, JSON.stringify(value, null, 1), 'application/json');
  await write('version.json', { ...dataset, options, files: [job.trainingFile, job.validationFile] });
  await write('settings/settings.json', trainerSettings(job));
  return ok(dataset);
}

const nothingLeft: JobError = {
  code: 'invalid_dataset',
  message: 'Nothing is left to train on once duplicates are removed and validation examples held apart.',
  param: 'training_file',
};

const dataKey = (job: TrainingJob, channel: 'train' | 'validation'): string =>
  `${jobPrefix(job)}${channel}/data.jsonl`;

/** A validation file's own version: every line of it is for validation. */
const makeValidation = (desk: TrainingDesk, job: TrainingJob, file: FileId, isLate: Wanted['isLate']) =>
  makeVersion(desk, job, {
    file,
    param: 'validation_file',
    options: { ...job.datasetOptions, seed: job.seed, validationShare: 0 },
    isLate,
    keys: { training: dataKey(job, 'validation') },
  });

type Wanted = {
  readonly file: FileId;
  readonly param: Param;
  readonly options: VersionOptions;
  readonly isLate: () => boolean;
  readonly keys: Partial<Record<Side, string>>;
};

async function makeVersion(
  desk: TrainingDesk,
  job: TrainingJob,
  { file, param, options, isLate, keys }: Wanted,
): Promise<Result<JobDataset, JobError>> {
  const bytes = await desk.objects.read(contentKey({ tenantId: job.tenantId, id: file }));
  if (bytes === undefined) return err(deleted(param));
  const tools = await desk.tools();
  const sides = openSides(desk, keys);
  let tokensPerEpoch = 0;
  try {
    const made = await prepareVersion(bytes, { ...options, isLate }, tools, async (side, line, example) => {
      if (side === 'training') tokensPerEpoch += tools.tokenizer?.count(example) ?? 0;
      await sides.write(side, line);
    });
    if (!made.ok) {
      await sides.abort();
      return err({ ...(made.error.code === 'took_too_long' ? TOO_SLOW : FAULTY), param });
    }
    await sides.close();
    return ok({ ...made.value, validationSha256: null, tokensPerEpoch });
  } catch (error) {
    await sides.abort();
    throw error;
  }
}

const FAULTY = {
  code: 'invalid_dataset',
  message: 'The file has mistakes. GET /v1/files/{file}/report lists them.',
};

const TOO_SLOW = {
  code: 'dataset_took_too_long',
  message:
    'Making a dataset version of the files took too long. Nothing was charged; create jobs of smaller files.',
};

const deleted = (param: Param): JobError => ({
  code: 'file_deleted',
  message: 'The file was deleted before the job began. Upload it again and create another job.',
  param,
});

/** Opens a side's object with its first line: a side without lines has none. */
function openSides(desk: TrainingDesk, keys: Wanted['keys']) {
  const writers = new Map<Side, LineWriter>();
  return {
    write: async (side: Side, line: string): Promise<void> => {
      const key = keys[side];
      if (key === undefined) return;
      const writer = writers.get(side) ?? desk.openLines(key);
      writers.set(side, writer);
      await writer.write(line);
    },
    close: async (): Promise<void> => {
      for (const writer of writers.values()) await writer.close();
    },
    abort: async (): Promise<void> => {
      for (const writer of writers.values()) await writer.abort();
    },
  };
}
