import type { ExampleTokenizer } from '#core/datasets/ports.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import { PromptNotExpressible } from '#core/inference/ports.ts';
import { readTokenizer } from '#io/tokenizers.ts';

/** Counts examples by a base model's own tokenizer and chat template. Throws when the base is not known or has no files. */
export async function makeExampleTokenizer(directory: string, baseModel: string): Promise<ExampleTokenizer> {
  const base = baseModelOf(baseModel);
  if (base === undefined) throw new Error(`no base model is named ${baseModel.slice(0, 64)}`);
  const { chatPrompt, encodePrompt } = await readTokenizer(directory, baseModel);
  return {
    baseModel,
    contextTokens: base.contextTokens,
    count: ({ messages, tools }) => {
      try {
        return encodePrompt(chatPrompt(messages, tools, { forTraining: true })).length;
      } catch (error) {
        if (error instanceof PromptNotExpressible) return undefined;
        throw error;
      }
    },
  };
}
