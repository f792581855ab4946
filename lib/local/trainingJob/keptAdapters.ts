import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create as createArchive } from 'tar';
import type { Progress, RunState } from '#local/training/trainingRun.ts';
import { type Lineage, writeAdapter } from '#local/training/writeAdapter.ts';

/** Ends of epochs before the last one of which the weights are kept: with the job's own model, the last three. */
const KEPT_EPOCHS = 2;
const FILES = ['adapter_config.json', 'adapter_model.safetensors', 'lineage.json'];

export type KeptAdapters = {
  /** Keeps the weights of an epoch's end as an adapter's archive, if it is one of those to keep. */
  readonly keep: (state: RunState, progress: Progress) => void;
  /** Whether all that a run should have kept by the end of this step is there. */
  readonly hasUpTo: (step: number) => boolean;
};

/**
 * The adapters of a job's last epochs but the last, beside its checkpoints, which SageMaker copies to S3: the product
 * takes them from there (lib/core/training/checkpoints.ts). They are archives of PEFT files as the job's own model is.
 * The same job leaves the same bytes, however often it was interrupted.
 */
export function openKeptAdapters(
  directory: string,
  { epochs, stepsPerEpoch }: { readonly epochs: number; readonly stepsPerEpoch: number },
  lineage: (progress: Progress) => Lineage,
): KeptAdapters {
  const isKept = (epoch: number): boolean => epoch < epochs && epoch >= epochs - KEPT_EPOCHS;
  const pathOf = (epoch: number): string =>
    join(directory, `adapter-epoch-${epoch}-step-${epoch * stepsPerEpoch}.tar.gz`);
  return {
    keep: ({ parameters }, progress) => {
      if (!isKept(progress.epoch)) return;
      mkdirSync(directory, { recursive: true });
      const unpacked = `${directory}.kept`;
      rmSync(unpacked, { recursive: true, force: true });
      writeAdapter(unpacked, parameters, lineage(progress));
      const path = pathOf(progress.epoch);
      const file = `${path}.partial`;
      createArchive(
        {
          sync: true,
          gzip: { level: 1, portable: true },
          portable: true,
          mtime: new Date(0),
          cwd: unpacked,
          file,
        },
        FILES,
      );
      renameSync(file, path);
      rmSync(unpacked, { recursive: true });
    },
    hasUpTo: (step) => {
      const ended = Math.floor(step / stepsPerEpoch);
      return Array.from({ length: ended }, (_, i) => i + 1).every(
        (epoch) => !isKept(epoch) || existsSync(pathOf(epoch)),
      );
    },
  };
}
