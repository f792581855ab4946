import type { Example, PiiKind } from './types.ts';

export type Sha256 = {
  /** Of a text's UTF-8 bytes, hex. */
  readonly hex: (text: string) => string;
  /** Of many texts in their order, without holding them. */
  readonly begin: () => { readonly add: (text: string) => void; readonly hex: () => string };
};

/** Counts an example's tokens as the base model will see it in training. */
export type ExampleTokenizer = {
  readonly baseModel: string;
  readonly contextTokens: number;
  /** Undefined: the base model's chat template cannot express the example. */
  readonly count: (example: Example) => number | undefined;
};

export type PiiMatch = { readonly kind: PiiKind; readonly start: number; readonly end: number };

/** Finds what looks like personal data; matches come in their order and do not overlap. */
export type PiiFinder = (text: string) => readonly PiiMatch[];

/** What checking a dataset works with. Without a tokenizer nothing is counted in tokens. */
export type DatasetTools = {
  readonly sha256: Sha256;
  readonly findPii: PiiFinder;
  readonly tokenizer?: ExampleTokenizer;
};
