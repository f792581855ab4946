import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as jinja from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { readSafetensors } from '#core/weights/safetensors.ts';
import { makeTokenizer } from '#io/tokenizers.ts';
import { type BaseModel, readBaseModel } from '#local/engine/baseModel.ts';
import { type Conversation, readTurns } from '#local/training/examples.ts';
import { TrainingFailure } from '#local/training/failures.ts';
import {
  type Progress,
  type RunHooks,
  type RunSettings,
  runTraining,
  stepsPerEpoch,
} from '#local/training/trainingRun.ts';
import { exampleEncoder, splitTurns, THREADS } from '#local/training/trainLora.ts';
import { type Lineage, writeAdapter } from '#local/training/writeAdapter.ts';
import { openCheckpoints } from './checkpoints.ts';
import { type JobFolder, jobFolder } from './jobFolder.ts';
import { type KeptAdapters, openKeptAdapters } from './keptAdapters.ts';
import { openProgressLog } from './progressLog.ts';
import { type JobSettings, readSettings } from './settings.ts';

/** What the process ends with; SageMaker's container says the same. */
export const EXIT = { finished: 0, failed: 1, interrupted: 143 } as const;

/** Everything is held in memory, and at this model's pace more would take days. */
const MAX_DATASET_BYTES = 64 * 1024 * 1024;
const MAX_REASON_CHARACTERS = 1_024; // SageMaker shows no more of the file as FailureReason
/** What an adapter takes along of its base, so that training and serving agree. */
const TEMPLATE_FILES = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];

/**
 * Runs the training job whose folder is like `/opt/ml` in SageMaker's container, as containers/training does. Answers
 * the exit code; a failure is written down as `code: message`.
 */
export async function runJob(root: string, told: () => boolean): Promise<number> {
  const folder = jobFolder(root);
  try {
    return (await train(folder, told)) ? EXIT.finished : EXIT.interrupted;
  } catch (error) {
    const known = error instanceof TrainingFailure ? error : undefined;
    if (known === undefined) console.error(error);
    const reason = `${known?.code ?? 'internal'}: ${known?.message ?? "the job's log has more"}`;
    mkdirSync(dirname(folder.failure), { recursive: true });
    writeFileSync(folder.failure, reason.slice(0, MAX_REASON_CHARACTERS));
    console.log(reason);
    return EXIT.failed;
  }
}

/** False when it was interrupted; its checkpoint is then saved. */
async function train(folder: JobFolder, told: () => boolean): Promise<boolean> {
  const startedMs = performance.now();
  const settings = readSettings(folder);
  const base = readBase(folder, settings);
  const data = readChannel(folder, 'train');
  if (data === undefined) throw new TrainingFailure('missing_channel', 'the job has no channel "train"');
  const held = readChannel(folder, 'validation');
  const { training, validation } = sides(data, held, settings);
  const run = runSettings(settings);

  const file = (name: string): string => readFileSync(join(base.directory, name), 'utf8');
  const tokenizer = makeTokenizer({ Tokenizer, jinja }, file('tokenizer.json'), file('chat_template.jinja'));
  const encode = exampleEncoder(base, tokenizer);
  const { tensors } = readSafetensors(readFileSync(join(base.directory, 'model.safetensors')));
  const fingerprint = sha256(JSON.stringify([settings, base.sha256, data.sha256, held?.sha256 ?? null]));
  const task = { base, weights: tensors, encode, training, validation: validation.map(encode) };
  const lineage = (last: Progress | undefined): Lineage => ({
    baseModel: settings.baseModel,
    baseSha256: base.sha256,
    datasetSha256: data.sha256,
    validationSha256: held?.sha256 ?? null,
    examples: training.length,
    settings: { ...run, validationShare: settings.validationShare },
    metrics: metricsOf(last),
    versions: { node: process.versions.node },
  });
  const kept = openKeptAdapters(
    folder.checkpoints,
    { epochs: run.epochs, stepsPerEpoch: stepsPerEpoch(training, run) },
    lineage,
  );
  const hooks = hooksFor(folder, settings, { fingerprint, kept, told });
  const outcome = await runTraining(task, run, hooks, THREADS);
  if (outcome.kind === 'interrupted') {
    console.log('interrupted: the checkpoint is saved');
    return false;
  }
  mkdirSync(folder.model, { recursive: true });
  for (const name of TEMPLATE_FILES) {
    if (existsSync(join(base.directory, name)))
      copyFileSync(join(base.directory, name), join(folder.model, name));
  }
  writeAdapter(folder.model, outcome.state.parameters, {
    ...lineage(outcome.last),
    seconds: Math.round((performance.now() - startedMs) / 1_000),
  });
  return true;
}

/** Continues where a checkpoint is, saves one every so many steps, and one more before it ends early. */
function hooksFor(
  folder: JobFolder,
  { checkpointSteps }: JobSettings,
  {
    fingerprint,
    kept,
    told,
  }: { readonly fingerprint: string; readonly kept: KeptAdapters; readonly told: () => boolean },
): RunHooks {
  const checkpoints = openCheckpoints(folder.checkpoints, fingerprint);
  const log = openProgressLog(folder.checkpoints, Date.now);
  return {
    restore: (state) => {
      if (checkpoints.restore(state, kept.hasUpTo)) console.log(`resumed at step ${state.step}`);
      log.resumeAt(state.step);
    },
    beforeStep: (state, stepsHere) => {
      // Before the step and not after the last: what an epoch's end tells has been told by then.
      if (told() || (stepsHere > 0 && state.step % checkpointSteps === 0)) checkpoints.save(state);
      return told() ? 'end' : 'go on';
    },
    tell: log.tell,
    endEpoch: kept.keep,
  };
}

const runSettings = (settings: JobSettings): RunSettings => ({
  rank: settings.rank,
  alpha: settings.alpha,
  seed: settings.seed,
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  learningRate: settings.learningRate,
  tokensPerPass: settings.tokensPerPass,
  augmentation: {
    wordDropout: settings.wordDropout,
    joinSameAnswer: settings.joinSameAnswer,
    shuffleWords: settings.shuffleWords,
  },
});

function readBase(folder: JobFolder, settings: JobSettings): BaseModel {
  const directory = folder.channel('base');
  if (directory === undefined) throw new TrainingFailure('missing_channel', 'the job has no channel "base"');
  let base: BaseModel;
  try {
    base = readBaseModel(directory);
  } catch (error) {
    console.error(error);
    throw new TrainingFailure('invalid_base', 'the base channel holds no Llama that this trainer can read');
  }
  if (settings.baseSha256 !== '' && settings.baseSha256 !== base.sha256) {
    throw new TrainingFailure('base_mismatch', `the base channel holds ${base.sha256.slice(0, 12)}…`);
  }
  return base;
}

type Dataset = { readonly lines: readonly (readonly Conversation[])[]; readonly sha256: string };

/** Every .jsonl file of a channel, in the order of their names; undefined without the channel. */
function readChannel(folder: JobFolder, name: 'train' | 'validation'): Dataset | undefined {
  const directory = folder.channel(name);
  if (directory === undefined) return undefined;
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.jsonl'))
    .toSorted()
    .map((file) => join(directory, file));
  if (files.reduce((sum, file) => sum + statSync(file).size, 0) > MAX_DATASET_BYTES) {
    throw new TrainingFailure('invalid_dataset', `this trainer takes at most ${MAX_DATASET_BYTES} bytes`);
  }
  const bytes = Buffer.concat(files.map((file) => readFileSync(file)));
  const lines = readTurns(bytes.toString('utf8'));
  if (lines.length === 0) throw new TrainingFailure('invalid_dataset', 'there is no answer to learn');
  return { lines, sha256: sha256(bytes) };
}

/** What is learnt and what is watched: the two channels, or a part of the first kept apart. */
function sides(data: Dataset, held: Dataset | undefined, settings: JobSettings) {
  if (held !== undefined) return { training: data.lines.flat(), validation: held.lines.flat() };
  return splitTurns(data.lines, settings);
}

function metricsOf(last: Progress | undefined): Readonly<Record<string, number>> {
  if (last === undefined) return {};
  return {
    train_loss: last.trainLoss,
    trained_tokens: last.trainedTokens,
    ...(last.validation === undefined
      ? {}
      : { validation_loss: last.validation.loss, validation_exact: last.validation.exact }),
  };
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
