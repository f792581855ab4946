/** What a dataset file may be. Every limit is named here, and told to the client where it is met. */
export const DATASET_LIMITS = {
  /** As OpenAI's files have it. */
  fileBytes: 512 * 1024 * 1024,
  lineBytes: 1_000_000,
  examples: 2_000_000,
  messagesPerExample: 1_000,
  toolsPerExample: 128,
  jsonDepth: 32,
  shownFaults: 100,
  faultsPerLine: 20,
} as const;
