import type { ExampleTokenizer } from '#core/datasets/ports.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import { PromptNotExpressible } from '#core/inference/ports.ts';
import { readTokenizer } from '#io/tokenizers.ts';

/** Counts examples by a base model's own tokenizer and chat template. Throws when the base is not known or has no files. */
export async function makeExampleTokenizer(directory: string, baseModel: string): Promise<ExampleTokenizer> {
  const base = baseModelOf(baseModel);
  if (base === undefined) throw new Error(`no base model is named ${baseModel.slice(0, 64)}`);
  const { chatPrompt, encodeText } = await readTokenizer(directory, baseModel);
  const lengthOf = remember((text) => encodeText(text).length);
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

const REMEMBERED_TEXTS = 5_000;
const REMEMBERED_LENGTH = 1_000;

/** System messages and answers repeat in every dataset, and tokenizing is what takes the time. */
function remember(measure: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const measured = measure(text);
    if (text.length <= REMEMBERED_LENGTH) {
      if (known.size >= REMEMBERED_TEXTS) known.clear();
      known.set(text, measured);
    }
    return measured;
  };
}
