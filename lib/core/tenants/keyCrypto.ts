/** The cryptography that keys need, passed in because it is not arithmetic. Driver: `#io/crypto.ts`. */
export type KeyCrypto = {
  readonly randomBytes: (sizeBytes: number) => Uint8Array;
  /** SHA-256 of the text in UTF-8, as lower-case hex. */
  readonly sha256Hex: (text: string) => string;
  readonly hmacSha256: (key: string, text: string) => Uint8Array;
  /** Compares two texts in a time that does not depend on where they differ. */
  readonly equals: (a: string, b: string) => boolean;
};
