/** Sizes and times of files. */
export const FILE_LIMITS = {
  /** With its form around it and in base64 it still fits into Lambda's 6 MB. */
  requestBytes: 4_400_000,
  /** A file up to this size is checked before the answer, in well under a second. */
  checkedAtOnceBytes: 256 * 1024,
  /** A file up to this size is answered itself; a larger one by a link. */
  answeredBytes: 1_000_000,
  uploadSeconds: 3_600,
  downloadSeconds: 300,
} as const;
