/** Sizes and times of training jobs. Every limit is named here, and told to the client where it is met. */
export const JOB_LIMITS = {
  /** MaxRuntimeInSeconds of one attempt, and with the waiting for spot instances. */
  trainingSeconds: 24 * 3_600,
  trainingWaitSeconds: 48 * 3_600,
} as const;
