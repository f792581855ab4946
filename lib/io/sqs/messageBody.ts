/**
 * A value as JSON that SQS takes, whatever text of a client is in it. SQS refuses U+FFFE and U+FFFF, and some
 * emulators all that lies beyond 16 bits: those are written as JSON's escapes, which every reader understands.
 */
export const messageBody = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\ud800-\udfff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16)}`,
  );
