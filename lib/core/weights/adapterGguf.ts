import * as z from 'zod/mini';
import { err, ok, type Result } from '#core/shared/result.ts';
import { toFloat32 } from './floats.ts';
import { type GgufTensor, writeGguf } from './gguf.ts';
import { LINEAR_MODULES, type LlamaShape, permutedRows } from './llamaLayout.ts';
import { readSafetensors, type Safetensors, type Tensor } from './safetensors.ts';

/** The metadata field of adapter_model.safetensors that names the base by its hash. */
export const BASE_SHA256_FIELD = 'tunegate_base_sha256';

/** The ranks that vLLM and llama.cpp both serve. */
const RANKS = [8, 16, 32];
const TENSOR_NAME = /^base_model\.model\.model\.layers\.(\d+)\.([a-z_]+\.[a-z_]+)\.lora_([AB])\.weight$/u;

/** PEFT's adapter_config.json, as far as both vLLM and llama.cpp can serve it. */
const AdapterConfigSchema = z.object({
  peft_type: z.literal('LORA'),
  r: z.int().check(z.refine((rank) => RANKS.includes(rank), 'r must be 8, 16 or 32')),
  lora_alpha: z.number().check(z.positive()),
  bias: z._default(z.literal('none'), 'none'),
  use_dora: z._default(z.literal(false), false),
  use_rslora: z._default(z.boolean(), false),
  modules_to_save: z.nullish(z.array(z.never())),
});

export type AdapterRefused = {
  readonly code: 'adapter_missing' | 'adapter_unsupported' | 'base_mismatch';
  readonly message: string;
};

/** A base model as an adapter must fit it. */
export type FittedBase = { readonly id: string; readonly sha256: string; readonly config: LlamaShape };

/**
 * Converts a PEFT adapter to GGUF, llama.cpp's format. Errors: adapter_unsupported (outside what vLLM and llama.cpp
 * both serve), base_mismatch.
 */
export function adapterGguf(
  base: FittedBase,
  configText: string,
  weights: Uint8Array,
): Result<Uint8Array, AdapterRefused> {
  const unsupported = (message: string) => err<AdapterRefused>({ code: 'adapter_unsupported', message });
  const config = z.safeParse(AdapterConfigSchema, parseJson(configText));
  if (!config.success) {
    return unsupported(`adapter_config.json: ${config.error.issues[0]?.path.join('.')} is not supported`);
  }
  let file: Safetensors;
  try {
    file = readSafetensors(weights);
  } catch (error) {
    return unsupported(`adapter_model.safetensors: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  const trainedOn = file.metadata[BASE_SHA256_FIELD];
  if (trainedOn !== base.sha256) {
    return err({
      code: 'base_mismatch',
      message:
        trainedOn === undefined
          ? `the adapter does not say which base it was trained on (${BASE_SHA256_FIELD} in its metadata)`
          : `the adapter was trained on another base than ${base.id}: ${trainedOn.slice(0, 12)}…, not ${base.sha256.slice(0, 12)}…`,
    });
  }
  const tensors: GgufTensor[] = [];
  for (const [name, tensor] of file.tensors) {
    const converted = loraTensor({ config: base.config, rank: config.data.r }, name, tensor);
    if (converted === undefined)
      return unsupported(`the tensor ${name} with shape ${tensor.shape} does not fit ${base.id}`);
    tensors.push(converted);
  }
  const { r, lora_alpha, use_rslora } = config.data;
  return ok(
    writeGguf(
      {
        'general.architecture': { type: 'string', value: 'llama' },
        'general.type': { type: 'string', value: 'adapter' },
        'adapter.type': { type: 'string', value: 'lora' },
        // llama.cpp scales by alpha/r, rank-stabilised LoRA by alpha/√r.
        'adapter.lora.alpha': { type: 'float32', value: use_rslora ? lora_alpha * Math.sqrt(r) : lora_alpha },
      },
      tensors,
    ),
  );
}

/** Undefined for a tensor that does not fit the base: llama.cpp must never see one. */
function loraTensor(
  { config, rank }: { readonly config: LlamaShape; readonly rank: number },
  name: string,
  tensor: Tensor,
): GgufTensor | undefined {
  const { shape } = tensor;
  const [, layer = '', module, side] = TENSOR_NAME.exec(name) ?? [];
  const known = LINEAR_MODULES.find((entry) => entry.module === module);
  if (known === undefined || Number(layer) >= config.num_hidden_layers || shape.length !== 2)
    return undefined;
  const expected = side === 'A' ? [rank, known.inputs(config)] : [known.outputs(config), rank];
  if (shape[0] !== expected[0] || shape[1] !== expected[1]) return undefined;
  const heads = known.heads?.(config);
  const values = toFloat32(tensor);
  return {
    name: `blk.${Number(layer)}.${known.gguf}.weight.lora_${side === 'A' ? 'a' : 'b'}`,
    shape,
    store: 'F32',
    values:
      side === 'B' && heads !== undefined
        ? permutedRows(values, { rows: known.outputs(config), heads })
        : values,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
