import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import * as z from 'zod/mini';
import type { TokenCounter } from '#core/inference/ports.ts';
import { type ChatPrompt, type Jinja, makeChatPrompt, type PromptPiece } from './chatPrompt.ts';

const TokenizerJson = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() })),
});
const BASE_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

type TokenizerLibrary = typeof import('@huggingface/tokenizers').Tokenizer;

/** A base model's tokenizer and chat template. */
export type BaseTokenizer = {
  readonly chatPrompt: ChatPrompt;
  /** Plain text only: what looks like a special token is not one. */
  readonly encodeText: (text: string) => readonly number[];
  readonly encodePrompt: (prompt: readonly PromptPiece[]) => readonly number[];
};

/**
 * Counts tokens with a base model's own tokenizer and chat template, `<directory>/<base>/tokenizer.json` and
 * `chat_template.jinja`: exactly what the engine will report as `prompt_tokens`. Throws for a base that has no files.
 */
export function makeTokenCounter(directory: string): TokenCounter {
  const loaded = new Map<string, Promise<BaseTokenizer>>();
  const tokenizerOf = (baseModel: string): Promise<BaseTokenizer> => {
    const known = loaded.get(baseModel);
    if (known !== undefined) return known;
    const loading = readTokenizer(directory, baseModel);
    loaded.set(baseModel, loading);
    loading.catch(() => loaded.delete(baseModel));
    return loading;
  };
  return {
    countChat: async (baseModel, messages, tools) => {
      const { chatPrompt, encodePrompt } = await tokenizerOf(baseModel);
      return encodePrompt(chatPrompt(messages, tools)).length;
    },
    countText: async (baseModel, text) => (await tokenizerOf(baseModel)).encodeText(text).length,
  };
}

/** Reads `<directory>/<base>/tokenizer.json` and `chat_template.jinja`. Throws when they are not there. */
export async function readTokenizer(directory: string, baseModel: string): Promise<BaseTokenizer> {
  if (!BASE_ID.test(baseModel)) throw new Error(`not the name of a base model: ${baseModel.slice(0, 64)}`);
  // Resolved from where the files are: in Lambda the layer brings both libraries along, elsewhere node_modules does.
  // They would be a quarter of the function's bundle, for what only this needs.
  const fromLayer = createRequire(join(resolve(directory), 'resolve.js'));
  const { Tokenizer }: { readonly Tokenizer: TokenizerLibrary } = fromLayer('@huggingface/tokenizers');
  const jinja: Jinja = fromLayer('@huggingface/jinja');
  const [json, template] = await Promise.all([
    readFile(join(directory, baseModel, 'tokenizer.json'), 'utf8'),
    readFile(join(directory, baseModel, 'chat_template.jinja'), 'utf8'),
  ]);
  return makeTokenizer({ Tokenizer, jinja }, json, template);
}

/** Makes a tokenizer of the texts of a base model's tokenizer.json and chat_template.jinja. Throws when they are none. */
export function makeTokenizer(
  { Tokenizer, jinja }: { readonly Tokenizer: TokenizerLibrary; readonly jinja: Jinja },
  json: string,
  template: string,
): BaseTokenizer {
  const file = z.parse(TokenizerJson, JSON.parse(json));
  const special = new Map(
    file.added_tokens.filter((token) => token.special).map((token) => [token.content, token.id]),
  );
  // Without its special tokens the tokenizer reads `<|im_end|>` in a text as the plain characters that it is.
  const added = file.added_tokens.filter((token) => !token.special);
  const plain = new Tokenizer({ ...file, added_tokens: added }, {});
  const encodeText = (text: string): readonly number[] =>
    plain.encode(text, { add_special_tokens: false }).ids;
  return {
    chatPrompt: makeChatPrompt(jinja, template, [...special.keys()]),
    encodeText,
    encodePrompt: (prompt) =>
      prompt.flatMap((piece) => {
        if (piece.kind === 'text') return encodeText(piece.text);
        const id = special.get(piece.token);
        return id === undefined ? [] : [id];
      }),
  };
}
