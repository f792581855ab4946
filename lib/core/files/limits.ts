/** Sizes and times of files. */
export const FILE_LIMITS = {
  /** With its form around it and in base64 it still fits into Lambda's 6 MB. */
  requestBytes: 4_400_000,
  /** Read only to say where a larger one goes: Lambda takes no larger body anyway. */
  refusedBytes: 10_485_760,
  /** A file up to this size is checked before the answer, in well under a second. */
  checkedAtOnceBytes: 256 * 1024,
  /** A file up to this size is answered itself; a larger one by a link. */
  answeredBytes: 1_000_000,
  /** A check that takes longer ends with what it has found: the function that checks ends after 900 s. */
  checkMs: 840_000,
  /** By then a check has begun, or the message that asked for it was lost, and this one asks again. SQS delays no longer. */
  secondMessageSeconds: 900,
  uploadSeconds: 3_600,
  downloadSeconds: 300,
} as const;
