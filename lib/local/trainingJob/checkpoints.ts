import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { toFloat32, toFloatBytes } from '#core/weights/floats.ts';
import {
  readSafetensors,
  type Safetensors,
  type Tensor,
  writeSafetensors,
} from '#core/weights/safetensors.ts';
import { writeWhole } from '#local/engine/baseGguf.ts';
import { TrainingFailure } from '#local/training/failures.ts';
import type { RunState } from '#local/training/trainingRun.ts';

const KEPT = 2;
const PATTERN = /^checkpoint-\d{8}\.safetensors$/u;
/** A checkpoint of nobody else's making: file format, names and meaning are this trainer's. */
const MADE_BY = 'node';

const Metadata = z.object({
  fingerprint: z.string(),
  step: z.string(),
  trainedTokens: z.string(),
  epochLoss: z.string(),
  adamSteps: z.string(),
});

export type Checkpoints = {
  readonly save: (state: RunState) => void;
  /**
   * Puts a whole checkpoint into the state: the newest whose step `isComplete` says yes to, else the newest; false when
   * there is none. Throws checkpoint_mismatch.
   */
  readonly restore: (state: RunState, isComplete: (step: number) => boolean) => boolean;
};

/**
 * The checkpoints of a job in a folder that SageMaker copies to S3 while the job runs: each is one file, renamed into
 * place, and one that is not whole is passed over for the one before. `fingerprint` is what a checkpoint must agree
 * with to be continued: data, settings and base.
 */
export function openCheckpoints(directory: string, fingerprint: string): Checkpoints {
  const names = (): readonly string[] =>
    existsSync(directory)
      ? readdirSync(directory)
          .filter((name) => PATTERN.test(name))
          .sort()
      : [];
  const own = `${MADE_BY}:${fingerprint}`;
  return {
    save: (state) => {
      mkdirSync(directory, { recursive: true });
      const name = `checkpoint-${String(state.step).padStart(8, '0')}.safetensors`;
      writeWhole(join(directory, name), writeSafetensors(contentOf(state, own)));
      for (const old of names().slice(0, -KEPT)) rmSync(join(directory, old), { force: true });
    },
    restore: (state, isComplete) => {
      const whole = names()
        .toReversed()
        .flatMap((name) => readWhole(join(directory, name)));
      const best = whole.find(({ metadata }) => isComplete(Number(metadata.step))) ?? whole[0];
      if (best === undefined) return false;
      if (best.metadata.fingerprint !== own) {
        throw new TrainingFailure(
          'checkpoint_mismatch',
          'the checkpoints are of another job: its dataset, settings, base or trainer differ',
        );
      }
      fill(state, best);
      return true;
    },
  };
}

function contentOf(state: RunState, fingerprint: string): Safetensors {
  const tensors = new Map<string, Tensor>();
  state.parameters.forEach(({ name, shape, values }, index) => {
    const add = (kind: string, floats: Float32Array | undefined): void => {
      if (floats !== undefined) {
        tensors.set(`${kind}/${name}`, { dtype: 'F32', shape, bytes: toFloatBytes(floats) });
      }
    };
    add('weight', values);
    add('mean', state.adam.means[index]);
    add('square', state.adam.squares[index]);
  });
  const metadata = {
    fingerprint,
    step: String(state.step),
    trainedTokens: String(state.trainedTokens),
    epochLoss: String(state.epochLoss), // a number's text is read back as the same number
    adamSteps: String(state.adam.steps),
  };
  return { metadata, tensors };
}

function fill(state: RunState, { tensors, metadata }: Whole): void {
  state.parameters.forEach(({ name, values }, index) => {
    const put = (kind: string, into: Float32Array | undefined): void => {
      const tensor = tensors.get(`${kind}/${name}`);
      if (tensor !== undefined) into?.set(toFloat32(tensor));
    };
    put('weight', values);
    put('mean', state.adam.means[index]);
    put('square', state.adam.squares[index]);
  });
  state.step = Number(metadata.step);
  state.trainedTokens = Number(metadata.trainedTokens);
  state.epochLoss = Number(metadata.epochLoss);
  state.adam.steps = Number(metadata.adamSteps);
}

type Whole = Pick<Safetensors, 'tensors'> & { readonly metadata: z.infer<typeof Metadata> };

/** The checkpoint in a file, or none. */
function readWhole(path: string): readonly Whole[] {
  try {
    const { tensors, metadata } = readSafetensors(readFileSync(path));
    return [{ tensors, metadata: z.parse(Metadata, metadata) }];
  } catch {
    console.log(`${path} is not whole and is passed over`);
    return [];
  }
}
