import * as z from 'zod/mini';
import type { FileObjects } from '#core/files/ports.ts';
import type { ProgressLine } from './ports.ts';
import { readText } from './readReport.ts';
import { checkpointPrefix } from './trainingRequest.ts';
import type { JobEvent, JobMetrics, TrainingJob } from './types.ts';

/** In the checkpoints' folder. */
export const PROGRESS_FILE = 'progress.jsonl';
const MAX_BYTES = 1_000_000;
/** The pace is that of the last so many lines: the first steps are slower than those that follow. */
const PACE_LINES = 20;

const positive = z.number().check(z.gte(0));
const Line = z.object({
  atMs: z.int(),
  step: z.int().check(z.gte(0)),
  steps: z.int().check(z.gte(1)),
  epoch: positive,
  trainLoss: z.number(),
  tokensPerSecond: positive,
  validationLoss: z.optional(z.number()),
  validationExact: z.optional(z.number()),
});

/**
 * What a job's trainer told so far, in the order of its steps. A job that was interrupted repeats some: the later
 * word counts. A line that is cut off, as the last one may be, is left out.
 */
export async function readProgress(
  objects: Pick<FileObjects, 'read'>,
  job: Pick<TrainingJob, 'tenantId' | 'id'>,
): Promise<readonly ProgressLine[]> {
  const text = await readText(await objects.read(`${checkpointPrefix(job)}${PROGRESS_FILE}`), MAX_BYTES);
  const bySteps = new Map<number, ProgressLine>();
  for (const line of (text ?? '').split('\n')) {
    const read = parseLine(line);
    if (read !== undefined) bySteps.set(read.step, read);
  }
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}

function parseLine(line: string): ProgressLine | undefined {
  try {
    const { validationLoss, validationExact, ...rest } = z.parse(Line, JSON.parse(line));
    return {
      ...rest,
      ...(validationLoss === undefined ? {} : { validationLoss }),
      ...(validationExact === undefined ? {} : { validationExact }),
    };
  } catch {
    return undefined;
  }
}

/** Whole epochs and the part of one that were trained. */
export const epochsOf = (lines: readonly ProgressLine[]): number => lines.at(-1)?.epoch ?? 0;

/** The last of each number. */
export const metricsOf = (lines: readonly ProgressLine[]): JobMetrics => ({
  trainLoss: lines.at(-1)?.trainLoss ?? null,
  validationLoss: lines.findLast((line) => line.validationLoss !== undefined)?.validationLoss ?? null,
  validationExact: lines.findLast((line) => line.validationExact !== undefined)?.validationExact ?? null,
});

/** How long the rest will take at the pace of the last lines; null before there is a pace. */
export function remainingSeconds(lines: readonly ProgressLine[]): number | null {
  const last = lines.at(-1);
  const first = lines.at(-PACE_LINES) ?? lines[0];
  if (last === undefined || first === undefined || last.step === first.step) return null;
  const msPerStep = (last.atMs - first.atMs) / (last.step - first.step);
  return Math.max(0, Math.round(((last.steps - last.step) * msPerStep) / 1_000));
}

/** The lines as events of the job, in their order. The step makes the id, so that a line is one event whenever it is read. */
export const progressEvents = (
  job: Pick<TrainingJob, 'id'>,
  lines: readonly ProgressLine[],
): readonly JobEvent[] =>
  lines.map((line, i) => progressEvent(job, line, remainingSeconds(lines.slice(0, i + 1))));

function progressEvent(
  { id }: Pick<TrainingJob, 'id'>,
  line: ProgressLine,
  remaining: number | null,
): JobEvent {
  const { step, steps, trainLoss, validationLoss, validationExact } = line;
  const validated = validationLoss === undefined ? '' : `, validation loss=${validationLoss.toFixed(4)}`;
  return {
    id: `ftevent-${id.slice('ftjob-'.length)}-step-${step}`,
    jobId: id,
    atMs: line.atMs,
    level: 'info',
    kind: 'metrics',
    message: `Step ${step}/${steps}: training loss=${trainLoss.toFixed(4)}${validated}`,
    data: {
      step,
      total_steps: steps,
      epoch: line.epoch,
      train_loss: trainLoss,
      tokens_per_second: line.tokensPerSecond,
      ...(validationLoss === undefined ? {} : { valid_loss: validationLoss }),
      ...(validationExact === undefined ? {} : { valid_exact_match: validationExact }),
      ...(remaining === null ? {} : { remaining_seconds: remaining }),
    },
  };
}
