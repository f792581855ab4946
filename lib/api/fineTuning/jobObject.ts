import { toSeconds } from '#api/control/fields.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { HyperParameters, JobEvent, TrainingJob } from '#core/training/types.ts';

/** OpenAI's statuses. */
export type JobStatus = 'validating_files' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/**
 * A job is `running` until its model can be called, or until its credits are back, and `cancelled` from the moment that
 * its client says so.
 */
export function statusOf({ state, verdict }: Pick<TrainingJob, 'state' | 'verdict'>): JobStatus {
  switch (state) {
    case 'draft':
    case 'created':
      return 'validating_files';
    case 'waiting':
    case 'starting':
      return 'queued';
    case 'training':
    case 'importing':
      return 'running';
    case 'cancelling':
      return 'cancelled';
    case 'ending':
      return verdict?.outcome === 'cancelled' ? 'cancelled' : 'running';
    default:
      return state;
  }
}

/** A job as OpenAI shows it; what is ours alone is under `tunegate`. */
export function jobObject(job: TrainingJob, remainingSeconds: number | null = null, nowMs = 0) {
  const hyperparameters = parametersObject(job.hyperParameters);
  const { verdict } = job;
  const hasEnded = job.finishedAtMs !== null;
  return {
    object: 'fine_tuning.job',
    id: job.id,
    model: job.baseModel,
    created_at: toSeconds(job.createdAtMs),
    finished_at: job.finishedAtMs === null ? null : toSeconds(job.finishedAtMs),
    fine_tuned_model: hasEnded ? (verdict?.fineTunedModel ?? null) : null,
    organization_id: job.tenantId,
    result_files: [],
    status: statusOf(job),
    training_file: job.trainingFile,
    validation_file: job.validationFile,
    hyperparameters,
    method: { type: job.method, [job.method]: { hyperparameters } },
    trained_tokens: hasEnded ? (verdict?.chargedTokens ?? 0) : null,
    error: verdict?.error ?? null,
    user_provided_suffix: job.suffix,
    seed: job.seed,
    estimated_finish: remainingSeconds === null ? null : toSeconds(nowMs) + remainingSeconds,
    integrations: [],
    metadata: job.metadata,
    tunegate: {
      quote: {
        tokens: job.quote.tokensPerEpoch * job.hyperParameters.epochs,
        credits: formatCredits(job.quote.amountMicro),
        price_book: job.quote.priceBook,
      },
      charged_credits: hasEnded ? formatCredits(verdict?.chargedMicro ?? job.quote.amountMicro) : null,
      dataset: datasetObject(job),
      metrics: {
        train_loss: job.metrics.trainLoss,
        valid_loss: job.metrics.validationLoss,
        valid_exact_match: job.metrics.validationExact,
      },
    },
  };
}

export const parametersObject = ({ epochs, batchSize, learningRateMultiplier, rank }: HyperParameters) => ({
  n_epochs: epochs,
  batch_size: batchSize,
  learning_rate_multiplier: learningRateMultiplier,
  lora_rank: rank,
});

const datasetObject = ({ dataset, datasetOptions }: TrainingJob) => ({
  deduplicate: datasetOptions.removeDuplicates,
  redact_pii: datasetOptions.redactPii,
  validation_share: datasetOptions.validationShare,
  version:
    dataset === null
      ? null
      : {
          sha256: dataset.sha256,
          validation_sha256: dataset.validationSha256,
          examples: dataset.examples,
          removed: dataset.removed,
          redacted: dataset.redacted,
          tokens: dataset.tokensPerEpoch,
        },
});

export const eventObject = (event: JobEvent) => ({
  object: 'fine_tuning.job.event',
  id: event.id,
  created_at: toSeconds(event.atMs),
  level: event.level,
  message: event.message,
  type: event.kind,
  data: event.data ?? {},
});
