import type { JobError, TrainingJob } from './types.ts';

/** What a failure of SageMaker means for the job. */
export type Failure =
  /** There were no instances, or SageMaker failed itself: another attempt may do better. */
  | { readonly kind: 'again'; readonly message: string }
  | { readonly kind: 'final'; readonly error: JobError; readonly charged: boolean };

/** What the container writes as `code: message`, before SageMaker's own words; containers/training/README.md names all. */
const CODES =
  /\b(invalid_settings|missing_channel|invalid_base|base_mismatch|invalid_dataset|example_too_long|checkpoint_mismatch|training_diverged|out_of_memory|internal): ([^\n]*?)(?:, exit code: \d+)?(?:\n|$)/;
const CLIENTS_DATA = new Set(['invalid_dataset', 'example_too_long']);
const AGAIN = /^(CapacityError|InternalServerError)\b/;

const OURS =
  'The training failed on our side. Nothing was charged; create the job again, and tell us if it fails again.';

/**
 * Reads FailureReason. The client is told what its own data or settings did, and nothing of our insides; it pays for
 * what was trained only where its own learning rate made the training diverge, or its data ended it.
 */
export function readFailure(reason: string | null, job: Pick<TrainingJob, 'hyperParameters'>): Failure {
  if (reason !== null && AGAIN.test(reason)) {
    const capacity = reason.startsWith('CapacityError');
    return {
      kind: 'again',
      message: capacity
        ? 'No training capacity is free at the moment'
        : 'The training service failed at the start',
    };
  }
  const [, code = 'internal', message = ''] = CODES.exec(reason ?? '') ?? [];
  if (CLIENTS_DATA.has(code))
    return { kind: 'final', charged: true, error: { code, message, param: 'training_file' } };
  if (code === 'training_diverged') {
    const chosen = !job.hyperParameters.auto.includes('learningRateMultiplier');
    const text = 'The loss is no number any more: the training diverged. Lower learning_rate_multiplier.';
    return { kind: 'final', charged: chosen, error: { code, message: text, param: null } };
  }
  return { kind: 'final', charged: false, error: { code: 'training_failed', message: OURS, param: null } };
}
