import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExampleTokenizer } from '#core/datasets/ports.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import { PromptNotExpressible } from '#core/inference/ports.ts';
import { readTokenizer } from '#io/tokenizers.ts';
import { byteLevelLengths } from './byteLevelLengths.ts';

/** Counts examples by a base model's own tokenizer and chat template. Throws when the base is not known or has no files. */
export async function makeExampleTokenizer(directory: string, baseModel: string): Promise<ExampleTokenizer> {
  const base = baseModelOf(baseModel);
  if (base === undefined) throw new Error(`no base model is named ${baseModel.slice(0, 64)}`);
  const { chatPrompt, encodeText } = await readTokenizer(directory, baseModel);
  const library = (text: string): number => encodeText(text).length;
  const json: unknown = JSON.parse(await readFile(join(directory, baseModel, 'tokenizer.json'), 'utf8'));
  const lengthOf = byteLevelLengths(json, library) ?? library;
  return {
    baseModel,
    contextTokens: base.contextTokens,
    count: ({ messages, tools }) => {
      try {
        const pieces = chatPrompt(messages, tools, { forTraining: true });
        return pieces.reduce((sum, piece) => sum + (piece.kind === 'special' ? 1 : lengthOf(piece.text)), 0);
      } catch (error) {
        if (error instanceof PromptNotExpressible) return undefined;
        throw error;
      }
    },
  };
}
