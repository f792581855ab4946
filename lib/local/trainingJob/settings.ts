import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import { LINEAR_MODULES } from '#core/weights/llamaLayout.ts';
import { TrainingFailure } from '#local/training/failures.ts';
import { DEFAULT_SETTINGS } from '#local/training/trainLora.ts';
import type { JobFolder } from './jobFolder.ts';

/** SageMaker's script mode adds its own, such as sagemaker_program. */
const FOREIGN_PREFIX = 'sagemaker_';
const MODULES = LINEAR_MODULES.map(({ module }) => module.split('.').at(-1) ?? '');

const whole = (low: number, high: number, otherwise: number) =>
  z._default(z.int().check(z.gte(low), z.lte(high)), otherwise);
const number = (low: number, high: number, otherwise: number) =>
  z._default(z.number().check(z.gte(low), z.lte(high)), otherwise);

/**
 * The settings of containers/training, by the same names and with the same bounds. What the container can and this
 * trainer cannot has one value here; what only changes a GPU's speed and memory is taken and means nothing.
 */
const Settings = z.strictObject({
  baseModel: z.string(),
  baseSha256: z._default(z.string(), ''),
  rank: z._default(z.union([z.literal(8), z.literal(16), z.literal(32)]), DEFAULT_SETTINGS.rank),
  alpha: number(1, 512, DEFAULT_SETTINGS.alpha),
  seed: whole(0, 2 ** 32 - 1, DEFAULT_SETTINGS.seed),
  epochs: whole(1, 100, DEFAULT_SETTINGS.epochs),
  batchSize: whole(1, 1024, DEFAULT_SETTINGS.batchSize),
  learningRate: number(1e-7, 1, DEFAULT_SETTINGS.learningRate),
  dropout: z._default(z.literal(0), 0),
  validationShare: number(0, 0.5, DEFAULT_SETTINGS.validationShare),
  wordDropout: number(0, 0.5, DEFAULT_SETTINGS.augmentation.wordDropout),
  joinSameAnswer: number(0, 1, DEFAULT_SETTINGS.augmentation.joinSameAnswer),
  shuffleWords: number(0, 1, DEFAULT_SETTINGS.augmentation.shuffleWords),
  targetModules: z._default(
    z.array(z.string()).check(z.refine((given) => MODULES.every((module) => given.includes(module)))),
    MODULES,
  ),
  packing: z._default(z.boolean(), true),
  tokensPerPass: whole(64, 262_144, DEFAULT_SETTINGS.tokensPerPass),
  precision: z._default(z.enum(['auto', 'fp32']), 'auto'),
  gradientCheckpointing: z._default(z.boolean(), true),
  // One is written in milliseconds here, and a small job has few steps.
  checkpointSteps: whole(1, 100_000, 10),
  bias: z._default(z.literal('none'), 'none'),
  useDora: z._default(z.literal(false), false),
  modulesToSave: z._default(z.array(z.never()), []),
});
export type JobSettings = Readonly<z.infer<typeof Settings>>;

/** Reads hyper-parameters and the JSON files of the channel `settings`, together. Throws invalid_settings. */
export function readSettings(folder: JobFolder): JobSettings {
  const given = new Map<string, unknown>();
  for (const [name, text] of entriesOf(folder.hyperParameters)) {
    if (!name.startsWith(FOREIGN_PREFIX)) given.set(name, typeof text === 'string' ? parsed(text) : text);
  }
  const channel = folder.channel('settings');
  const files = channel === undefined ? [] : readdirSync(channel).filter((file) => file.endsWith('.json'));
  for (const file of files.toSorted()) {
    for (const [name, value] of entriesOf(join(channel ?? '', file))) {
      if (given.has(name)) throw invalid(`"${name}" is given twice, the second time in ${file}`);
      given.set(name, value);
    }
  }
  const settings = z.safeParse(Settings, Object.fromEntries(given));
  if (settings.success) return settings.data;
  const issue = settings.error.issues[0];
  const what = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.');
  throw invalid(
    issue?.code === 'unrecognized_keys'
      ? `"${what?.slice(0, 64)}" is not a setting; there are ${Object.keys(Settings.shape).join(', ')}`
      : `"${what}" has a value that this trainer does not take: ${issue?.message}`,
  );
}

function entriesOf(path: string): readonly (readonly [string, unknown])[] {
  if (!existsSync(path)) return [];
  const content = parsed(readFileSync(path, 'utf8'));
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw invalid(`${basename(path)} is not a JSON object`);
  }
  return Object.entries(content);
}

/** SageMaker stores each hyper-parameter as text, which script mode has made JSON of. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const invalid = (message: string): TrainingFailure => new TrainingFailure('invalid_settings', message);
