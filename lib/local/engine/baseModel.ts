import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Template } from '@huggingface/jinja';
import * as z from 'zod/mini';
import { type ChatPrompt, makeChatPrompt } from '#io/chatPrompt.ts';

const positive = z.int().check(z.positive());

/** What is read of a Llama's config.json. */
const LlamaConfigSchema = z.object({
  model_type: z.literal('llama'),
  vocab_size: positive,
  hidden_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive,
  head_dim: positive,
  intermediate_size: positive,
  max_position_embeddings: positive,
  rope_theta: z.number(),
  rms_norm_eps: z.number(),
  tie_word_embeddings: z.literal(true),
  bos_token_id: z.int(),
  eos_token_id: z.int(),
  pad_token_id: z.int(),
});
export type LlamaConfig = z.infer<typeof LlamaConfigSchema>;

/** What is read of a tokenizer.json: a byte-level BPE. */
const TokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string(), special: z.boolean() })),
  model: z.object({
    type: z.literal('BPE'),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.array(z.string())])),
  }),
});
export type TokenizerFile = z.infer<typeof TokenizerSchema>;

const GenerationConfigSchema = z.object({ temperature: z.number(), top_p: z._default(z.number(), 1) });

/** A base model as its folder describes it; the weights stay on disk until they are converted. */
export type BaseModel = {
  /** The folder's name, which is the model's id: `tunegate-nano`. */
  readonly id: string;
  readonly directory: string;
  /** SHA-256 of model.safetensors, hex: what an adapter is bound to. */
  readonly sha256: string;
  readonly config: LlamaConfig;
  readonly tokenizer: TokenizerFile;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly chatPrompt: ChatPrompt;
  /** Whether the chat template can express tools. */
  readonly knowsTools: boolean;
  /** Used where a request says nothing, as vLLM uses generation_config.json. */
  readonly defaults: { readonly temperature: number; readonly topP: number };
};

/** Reads a base model's folder. Throws when a file is missing or is not a Llama with a byte-level BPE. */
export function readBaseModel(directory: string): BaseModel {
  const json = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'));
  const tokenizer = z.parse(TokenizerSchema, json('tokenizer.json'));
  const defaults = z.parse(GenerationConfigSchema, json('generation_config.json'));
  const template = readFileSync(join(directory, 'chat_template.jinja'), 'utf8');
  const specialTokens = new Map(
    tokenizer.added_tokens.filter((token) => token.special).map(({ content, id }) => [content, id]),
  );
  return {
    id: basename(directory),
    directory,
    sha256: createHash('sha256')
      .update(readFileSync(join(directory, 'model.safetensors')))
      .digest('hex'),
    config: z.parse(LlamaConfigSchema, json('config.json')),
    tokenizer,
    specialTokens,
    chatPrompt: makeChatPrompt({ Template }, template, [...specialTokens.keys()]),
    knowsTools: /\btools\b/u.test(template),
    defaults: { temperature: defaults.temperature, topP: defaults.top_p },
  };
}
