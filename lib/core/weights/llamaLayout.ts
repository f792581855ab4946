/** What decides the shapes of a Llama's matrices; the names are those of its config.json. */
export type LlamaShape = {
  readonly num_hidden_layers: number;
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly intermediate_size: number;
};

type Size = (config: LlamaShape) => number;

export type LinearModule = {
  /** The module's name inside a layer, as Hugging Face has it. */
  readonly module: string;
  /** The same inside a block of llama.cpp. */
  readonly gguf: string;
  readonly inputs: Size;
  readonly outputs: Size;
  /** Given for the projections that rotary embedding turns: how many heads their rows are made of. */
  readonly heads?: Size;
};

const width: Size = (config) => config.hidden_size;
const inner: Size = (config) => config.intermediate_size;
const queryHeads: Size = (config) => config.num_attention_heads;
const keyHeads: Size = (config) => config.num_key_value_heads;
const queries: Size = (config) => config.num_attention_heads * config.head_dim;
const keys: Size = (config) => config.num_key_value_heads * config.head_dim;

/** The linear modules of a Llama layer; LoRA may change each of them. */
export const LINEAR_MODULES: readonly LinearModule[] = [
  { module: 'self_attn.q_proj', gguf: 'attn_q', inputs: width, outputs: queries, heads: queryHeads },
  { module: 'self_attn.k_proj', gguf: 'attn_k', inputs: width, outputs: keys, heads: keyHeads },
  { module: 'self_attn.v_proj', gguf: 'attn_v', inputs: width, outputs: keys },
  { module: 'self_attn.o_proj', gguf: 'attn_output', inputs: queries, outputs: width },
  { module: 'mlp.gate_proj', gguf: 'ffn_gate', inputs: width, outputs: inner },
  { module: 'mlp.up_proj', gguf: 'ffn_up', inputs: width, outputs: inner },
  { module: 'mlp.down_proj', gguf: 'ffn_down', inputs: inner, outputs: width },
];

/**
 * Re-orders the output rows of a q or k projection. Hugging Face rotates the first half of a head against the
 * second; llama.cpp rotates neighbours. So row p·half+i of a head becomes row 2i+p. For LoRA this holds for
 * lora_B, whose rows are the outputs, and never for lora_A.
 */
export function permutedRows(
  values: Float32Array,
  { rows, heads }: { readonly rows: number; readonly heads: number },
): Float32Array {
  const columns = values.length / rows;
  const headRows = rows / heads;
  const half = headRows / 2;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / headRows);
    const within = row % headRows;
    const target = head * headRows + (within % half) * 2 + Math.floor(within / half);
    out.set(values.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return out;
}
