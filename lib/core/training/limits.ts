const HOUR_S = 3_600;
const DAY_MS = 24 * HOUR_S * 1_000;

/** Sizes and times of training jobs. Every limit is named here, and told to the client where it is met. */
export const JOB_LIMITS = {
  /** MaxRuntimeInSeconds of one attempt, and with the waiting for spot instances. */
  trainingSeconds: 24 * HOUR_S,
  trainingWaitSeconds: 48 * HOUR_S,
  /** A job that has not ended by then is ended, as a failure of ours. */
  lifeMs: 7 * DAY_MS,
  /** A job's hold outlives the job by a day, so that it is there when the job ends, whenever that is. */
  holdMs: 8 * DAY_MS,
  /** A draft this old belongs to a request that died. */
  draftMs: 15 * 60_000,
  /** Jobs of one tenant that have not ended. */
  openJobsPerTenant: 100,
  /** Fewer teach nothing; OpenAI asks for as many. */
  examples: 10,
  /** Of all epochs: as many as can be priced. */
  tokens: 1_000_000_000,
  epochs: 50,
  batchSize: 256,
  lowestLearningRateMultiplier: 0.001,
  learningRateMultiplier: 10,
  /** The first wait before a start is tried again, and the longest: each is twice the one before. */
  firstPutOffMs: 15_000,
  longestPutOffMs: 15 * 60_000,
  /** SQS delays a message by no more. */
  longestDelaySeconds: 900,
  /** Silent for so long, a job is looked after. */
  silentMs: 2 * 60_000,
  /** Making a dataset version and deploying an adapter take minutes, and are messages that SQS keeps. */
  silentWorkMs: 20 * 60_000,
  /** Making a version ends then, and with it the job: the function that makes it ends after 900 s. */
  preparingMs: 840_000,
  /** How often a version is begun, where the function that made it died. */
  preparations: 3,
  /** Versions of one tenant that are made at once, so that large files leave room for others'. */
  preparingPerTenant: 2,
  /** Jobs that one message starts. */
  startsAtOnce: 10,
  /** Attempts of one job, and how often in a row its start is put off. */
  attempts: 40,
  putOffTimes: 500,
  openJobs: 2_000,
  events: 1_000,
  /** Tries of one change against others that change the same job. */
  changeTries: 20,
} as const;
