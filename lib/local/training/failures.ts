/** The codes of containers/training: an interface, whichever trainer runs. */
export type TrainingFailureCode =
  | 'invalid_settings'
  | 'missing_channel'
  | 'invalid_base'
  | 'base_mismatch'
  | 'invalid_dataset'
  | 'example_too_long'
  | 'checkpoint_mismatch'
  | 'training_diverged'
  | 'internal';

/** A training cannot end well, and trying again as it is will not help. Never holds text of the dataset. */
export class TrainingFailure extends Error {
  override readonly name = 'TrainingFailure';
  readonly code: TrainingFailureCode;

  constructor(code: TrainingFailureCode, message: string) {
    super(message);
    this.code = code;
  }
}
