import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '#local/engine/baseGguf.ts';
import type { Progress } from '#local/training/trainingRun.ts';

/** The file that the product follows a job by; SageMaker copies it to S3 with the checkpoints. */
const PROGRESS_FILE = 'progress.jsonl';
/** Lines between the epochs' ends of a whole job. */
const STEP_LINES = 200;

export type ProgressLog = {
  /** A run goes on after this step: what was told of later ones is told again. */
  readonly resumeAt: (step: number) => void;
  readonly tell: (progress: Progress) => void;
};

/**
 * Tells of each step in the job's log, as lines that SageMaker's metric definitions find, and of some of them in
 * `progress.jsonl` beside the checkpoints.
 */
export function openProgressLog(checkpoints: string, nowMs: () => number): ProgressLog {
  const file = join(checkpoints, PROGRESS_FILE);
  return {
    resumeAt: (step) => {
      if (!existsSync(file)) return;
      const lines = readFileSync(file, 'utf8').split('\n');
      writeWhole(
        file,
        Buffer.from(
          lines
            .filter((line) => stepOf(line) <= step)
            .map((line) => `${line}\n`)
            .join(''),
        ),
      );
    },
    tell: (progress) => {
      printMetrics(progress);
      const ended = Number.isInteger(progress.epoch);
      if (!ended && progress.step % Math.max(1, Math.floor(progress.steps / STEP_LINES)) !== 0) return;
      mkdirSync(checkpoints, { recursive: true });
      appendFileSync(file, `${JSON.stringify(lineOf(progress, nowMs()))}\n`);
    },
  };
}

const lineOf = (progress: Progress, atMs: number) => ({
  atMs,
  step: progress.step,
  steps: progress.steps,
  epoch: rounded(progress.epoch),
  trainLoss: rounded(progress.trainLoss),
  trainedTokens: progress.trainedTokens,
  tokensPerSecond: Math.round(progress.tokensPerSecond),
  ...(progress.validation === undefined
    ? {}
    : {
        validationLoss: rounded(progress.validation.loss),
        validationExact: rounded(progress.validation.exact),
      }),
});

/** As containers/training prints them: `metric step=20 train_loss=0.31 …`. */
function printMetrics({ step, steps, epoch, validation, ...progress }: Progress): void {
  print(step, {
    train_loss: progress.trainLoss,
    tokens_per_second: progress.tokensPerSecond,
    progress: step / steps,
  });
  if (!Number.isInteger(epoch)) return;
  print(step, {
    epoch,
    trained_tokens: progress.trainedTokens,
    ...(validation === undefined
      ? {}
      : { validation_loss: validation.loss, validation_exact: validation.exact }),
  });
}

function print(step: number, values: Readonly<Record<string, number>>): void {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${rounded(value)}`);
  console.log(`metric step=${step} ${pairs.join(' ')}`);
}

function stepOf(line: string): number {
  try {
    return Number(JSON.parse(line).step);
  } catch {
    return Number.NaN; // an empty or torn line, which no comparison keeps
  }
}

const rounded = (value: number): number => Number(value.toPrecision(6));
