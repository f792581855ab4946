import type { KeyId } from '#core/shared/ids.ts';

/** What one key did in one UTC hour, `2026-11-22T07`. */
export type KeyHour = {
  readonly hour: string;
  readonly keyId: KeyId;
  readonly calls: number;
  /** Of the prompts: their tokens, and the sum of the squares, from which how much they differ follows. */
  readonly inputTokens: number;
  readonly inputSquares: number;
  /** Calls by minute of the hour; minutes without calls are left out. */
  readonly perMinute: Readonly<Record<number, number>>;
  /** Hashes of the networks that the calls came from. */
  readonly networks: readonly string[];
};

/** What is unusual about the use of a key. `seen` is what was counted, `usual` what it was held against. */
export type Finding = {
  readonly kind: 'jump' | 'scraping' | 'many_networks';
  readonly keyId: KeyId;
  readonly seen: number;
  readonly usual: number;
};
