import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { TokenCounter } from '#core/inference/ports.ts';
import { type ChatPrompt, makeChatPrompt } from './chatPrompt.ts';

const TokenizerJson = z.looseObject({
  added_tokens: z.array(z.object({ content: z.string(), special: z.boolean() })),
});
const BASE_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

type BaseTokenizer = {
  readonly chatPrompt: ChatPrompt;
  readonly count: (text: string) => number;
};

// As in chatPrompt.ts: the layer brings the library in Lambda, node_modules elsewhere.
const fromLayer = createRequire(import.meta.url);

/**
 * Counts tokens with a base model's own tokenizer and chat template, `<directory>/<base>/tokenizer.json` and
 * `chat_template.jinja`: exactly what the engine will report as `prompt_tokens`. Throws for a base that has no files.
 */
export function makeTokenCounter(directory: string): TokenCounter {
  const loaded = new Map<string, Promise<BaseTokenizer>>();
  const tokenizerOf = (baseModel: string): Promise<BaseTokenizer> => {
    const known = loaded.get(baseModel);
    if (known !== undefined) return known;
    const loading = loadTokenizer(directory, baseModel);
    loaded.set(baseModel, loading);
    loading.catch(() => loaded.delete(baseModel));
    return loading;
  };
  return {
    countChat: async (baseModel, messages, tools) => {
      const { chatPrompt, count } = await tokenizerOf(baseModel);
      return chatPrompt(messages, tools).reduce(
        (sum, piece) => sum + (piece.kind === 'special' ? 1 : count(piece.text)),
        0,
      );
    },
    countText: async (baseModel, text) => (await tokenizerOf(baseModel)).count(text),
  };
}

async function loadTokenizer(directory: string, baseModel: string): Promise<BaseTokenizer> {
  if (!BASE_ID.test(baseModel)) throw new Error(`not the name of a base model: ${baseModel.slice(0, 64)}`);
  const { Tokenizer }: typeof import('@huggingface/tokenizers') = fromLayer('@huggingface/tokenizers');
  const [json, template] = await Promise.all([
    readFile(join(directory, baseModel, 'tokenizer.json'), 'utf8'),
    readFile(join(directory, baseModel, 'chat_template.jinja'), 'utf8'),
  ]);
  const file = z.parse(TokenizerJson, JSON.parse(json));
  const special = file.added_tokens.filter((token) => token.special).map((token) => token.content);
  // Without its special tokens the tokenizer reads `<|im_end|>` in a text as the plain characters that it is.
  const plain = new Tokenizer(
    { ...file, added_tokens: file.added_tokens.filter((token) => !token.special) },
    {},
  );
  return {
    chatPrompt: makeChatPrompt(template, special),
    count: (text) => plain.encode(text, { add_special_tokens: false }).ids.length,
  };
}
