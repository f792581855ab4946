/** S3's error codes that the guard answers with, and their statuses. Source: S3 API reference, "Error responses". */
const STATUSES = {
  AccessDenied: 403,
  BadDigest: 400,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  MalformedPOSTRequest: 400,
  MethodNotAllowed: 405,
  NoSuchKey: 404,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type S3Code = keyof typeof STATUSES;

/** A request that S3 would refuse; thrown inside the guard and written as S3's XML at its edge. */
export class S3Refusal extends Error {
  override readonly name = 'S3Refusal';
  readonly code: S3Code;

  constructor(code: S3Code, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUSES[this.code];
  }
}

/** The refusal as S3 writes it, and as the SDK reads it. */
export const refusalXml = (refusal: S3Refusal): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${refusal.code}</Code><Message>${escapeXml(refusal.message)}</Message></Error>`;

const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
