import type { DatasetTools } from '#core/datasets/ports.ts';
import { makeExampleTokenizer } from './exampleTokenizer.ts';
import { findPii } from './pii.ts';
import { nodeSha256 } from './sha256.ts';

/** What checks a dataset, with the tokenizer of this base model. Throws when the base is not known. */
export const makeDatasetTools = async (
  tokenizersDirectory: string,
  baseModel: string,
): Promise<DatasetTools> => ({
  sha256: nodeSha256,
  findPii,
  tokenizer: await makeExampleTokenizer(tokenizersDirectory, baseModel),
});
