/** A number that SageMaker reads from a training job's log, as CreateTrainingJob's MetricDefinitions has it. */
export type MetricDefinition = { readonly Name: string; readonly Regex: string };

const NUMBER = '([0-9]+(?:\\.[0-9]+)?(?:e[+-]?[0-9]+)?)';

const metric = (Name: string, printed: string): MetricDefinition => ({
  Name,
  // A space before it, so that `train_loss=` is not found at the end of a longer name.
  Regex: `^metric step=.* ${printed}=${NUMBER}`,
});

/**
 * What containers/training prints, one line a step: `metric step=20 train_loss=0.31 tokens_per_second=900`, and one
 * an epoch with the validation. A loss that is no number matches nothing: the job fails with `training_diverged`.
 */
export const METRIC_DEFINITIONS: readonly MetricDefinition[] = [
  metric('train:loss', 'train_loss'),
  metric('train:tokens_per_second', 'tokens_per_second'),
  metric('train:progress', 'progress'),
  metric('train:trained_tokens', 'trained_tokens'),
  metric('validation:loss', 'validation_loss'),
  metric('validation:exact', 'validation_exact'),
];
