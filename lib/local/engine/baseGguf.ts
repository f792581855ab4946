import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toFloat32 } from '#core/weights/floats.ts';
import { type GgufTensor, type GgufValue, writeGguf } from '#core/weights/gguf.ts';
import { LINEAR_MODULES, permutedRows } from '#core/weights/llamaLayout.ts';
import { readSafetensors, type Tensor } from '#core/weights/safetensors.ts';
import type { BaseModel, LlamaConfig, TokenizerFile } from './baseModel.ts';

/** Part of the cache's key: raise it when the conversion changes. */
const CONVERSION = 1;

/** The base as llama.cpp reads it: made from the safetensors at the first start, then found by content hash. */
export function ensureBaseGguf(base: BaseModel, cacheDirectory: string): string {
  const key = createHash('sha256')
    .update(`${CONVERSION} ${base.sha256} `)
    .update(JSON.stringify([base.config, base.tokenizer]))
    .digest('hex')
    .slice(0, 32);
  const path = join(cacheDirectory, `${base.id}-${key}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(cacheDirectory, { recursive: true });
  const { tensors } = readSafetensors(readFileSync(join(base.directory, 'model.safetensors')));
  writeWhole(path, writeGguf(baseMetadata(base), baseTensors(base.config, tensors)));
  return path;
}

/** Writes beside and renames, so that a crash leaves no half file under the name. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, bytes);
  renameSync(partial, path);
}

function baseMetadata({ id, config, tokenizer }: BaseModel): Readonly<Record<string, GgufValue>> {
  const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
  const float32 = (value: number): GgufValue => ({ type: 'float32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  return {
    'general.architecture': text('llama'),
    'general.type': text('model'),
    'general.name': text(id),
    'general.file_type': uint32(1), // mostly F16
    'general.alignment': uint32(32),
    'llama.block_count': uint32(config.num_hidden_layers),
    'llama.context_length': uint32(config.max_position_embeddings),
    'llama.embedding_length': uint32(config.hidden_size),
    'llama.feed_forward_length': uint32(config.intermediate_size),
    'llama.attention.head_count': uint32(config.num_attention_heads),
    'llama.attention.head_count_kv': uint32(config.num_key_value_heads),
    'llama.attention.layer_norm_rms_epsilon': float32(config.rms_norm_eps),
    'llama.rope.freq_base': float32(config.rope_theta),
    'llama.rope.dimension_count': uint32(config.head_dim),
    'llama.vocab_size': uint32(config.vocab_size),
    ...tokenizerMetadata(config, tokenizer),
  };
}

function tokenizerMetadata(
  config: LlamaConfig,
  tokenizer: TokenizerFile,
): Readonly<Record<string, GgufValue>> {
  const NORMAL = 1;
  const CONTROL = 3;
  const tokens: string[] = Array.from({ length: config.vocab_size }, (_, id) => `<unused ${id}>`);
  for (const [token, id] of Object.entries(tokenizer.model.vocab)) tokens[id] = token;
  const special = new Set(tokenizer.added_tokens.filter((token) => token.special).map((token) => token.id));
  const merges = tokenizer.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' },
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': {
      type: 'int32s',
      value: tokens.map((_, id) => (special.has(id) ? CONTROL : NORMAL)),
    },
    'tokenizer.ggml.merges': { type: 'strings', value: merges },
    'tokenizer.ggml.bos_token_id': { type: 'uint32', value: config.bos_token_id },
    'tokenizer.ggml.eos_token_id': { type: 'uint32', value: config.eos_token_id },
    'tokenizer.ggml.padding_token_id': { type: 'uint32', value: config.pad_token_id },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  };
}

function baseTensors(config: LlamaConfig, tensors: ReadonlyMap<string, Tensor>): readonly GgufTensor[] {
  const read = (from: string, to: string, store: GgufTensor['store'], heads?: number): GgufTensor => {
    const tensor = tensors.get(from);
    if (tensor === undefined) throw new Error(`model.safetensors lacks the tensor ${from}`);
    const values = toFloat32(tensor);
    return {
      name: to,
      shape: tensor.shape,
      store,
      values: heads === undefined ? values : permutedRows(values, { rows: tensor.shape[0] ?? 0, heads }),
    };
  };
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const from = `model.layers.${layer}`;
    const to = `blk.${layer}`;
    return [
      read(`${from}.input_layernorm.weight`, `${to}.attn_norm.weight`, 'F32'),
      read(`${from}.post_attention_layernorm.weight`, `${to}.ffn_norm.weight`, 'F32'),
      ...LINEAR_MODULES.map(({ module, gguf, heads }) =>
        read(`${from}.${module}.weight`, `${to}.${gguf}.weight`, 'F16', heads?.(config)),
      ),
    ];
  });
  return [
    read('model.embed_tokens.weight', 'token_embd.weight', 'F16'),
    read('model.norm.weight', 'output_norm.weight', 'F32'),
    ...layers.flat(),
  ];
}
