import { toFloat32 } from '#core/weights/floats.ts';
import { LINEAR_MODULES, type LinearModule } from '#core/weights/llamaLayout.ts';
import type { Tensor } from '#core/weights/safetensors.ts';
import type { LlamaConfig } from '#local/engine/baseModel.ts';
import { type Autodiff, makeAutodiff } from './autodiff.ts';
import { makeOnnxModel, type OnnxModel, type Value } from './onnxModel.ts';

/** A trainable matrix, under PEFT's name for it. */
export type Parameter = { readonly name: string; readonly shape: readonly [number, number] };

/** The whole training step but the optimizer: forward, loss and gradients of every LoRA matrix in one ONNX model. */
export type LlamaGraph = {
  readonly bytes: Uint8Array;
  readonly parameters: readonly Parameter[];
  readonly loss: Value;
  /** The most probable token at each position that counts. */
  readonly predictions: Value;
  /** Where the gradient of each parameter comes out, by the parameter's name. */
  readonly gradients: ReadonlyMap<string, Value>;
};

type Build = {
  readonly config: LlamaConfig;
  readonly model: OnnxModel;
  readonly diff: Autodiff;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly rank: number;
  readonly scale: number;
  readonly parameters: Parameter[];
};

/**
 * Writes the graph for a base's weights. Its inputs, beside each parameter: `ids` [B, T]; `cos` and `sin` [T, head];
 * `mask` [groups·T, T], added to the scores; `positions` [S, 1], which of the B·T tokens is predicted from;
 * `targets` [S]; `weights` [S, 1], which sum to one.
 */
export function buildLlamaGraph(
  config: LlamaConfig,
  weights: ReadonlyMap<string, Tensor>,
  lora: { readonly rank: number; readonly alpha: number },
): LlamaGraph {
  const model = makeOnnxModel();
  const diff = makeAutodiff(model);
  const build: Build = {
    config,
    model,
    diff,
    weights,
    rank: lora.rank,
    scale: lora.alpha / lora.rank,
    parameters: [],
  };
  const { head_dim: head, vocab_size: vocabulary, hidden_size: width } = config;
  const ids = model.input('ids', ['B', 'T'], 'int64');
  const rotate = makeRotation(build, model.input('cos', ['T', head]), model.input('sin', ['T', head]));
  const mask = model.input('mask', ['GT', 'T']);
  const positions = model.input('positions', ['S', 1], 'int64');
  const targets = model.input('targets', ['S'], 'int64');
  const share = model.input('weights', ['S', 1]);

  const embeddingValues = valuesOf(build, 'model.embed_tokens.weight');
  const embedding = model.constant(embeddingValues, [vocabulary, width]);
  const embeddingT = model.constant(transposed(embeddingValues, vocabulary, width), [width, vocabulary]);

  const shape = model.node('Shape', [ids]);
  // One row a token: matrix products are faster over rows than over several tables of them.
  let x = model.node('Reshape', [model.node('Gather', [embedding, ids]), model.integers(-1, width)]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    // After the last attention nothing but what is predicted from is needed.
    const isLast = layer === config.num_hidden_layers - 1;
    const kept = (value: Value): Value => (isLast ? diff.pick(value, positions) : value);
    x = llamaLayer(build, layer, x, { shape, mask, rotate, kept });
  }
  const final = diff.rmsNorm(x, norm(build, 'model.norm.weight'), config.rms_norm_eps);

  // The loss, and its gradient with respect to the last hidden state in one step: (softmax − one-hot) · E.
  const logits = model.node('MatMul', [final, embeddingT]);
  const logProbabilities = model.node('LogSoftmax', [logits], { axis: -1 });
  const zeroOne = model.constant(Float32Array.of(0, 1), [2]);
  const oneHot = model.node('OneHot', [targets, model.integers(vocabulary), zeroOne], { axis: -1 });
  const chosen = model.node('Mul', [model.node('Mul', [oneHot, logProbabilities]), share]);
  const loss = model.node('Neg', [model.node('ReduceSum', [chosen, model.integers(0, 1)], { keepdims: 0 })]);
  diff.record(loss, [final], () => [
    [
      final,
      () => {
        const error = model.node('Sub', [model.node('Exp', [logProbabilities]), oneHot]);
        return model.node('MatMul', [model.node('Mul', [error, share]), embedding]);
      },
    ],
  ]);

  const predictions = model.node('ArgMax', [logits], { axis: -1, keepdims: 0 });
  const gradients = diff.gradients(
    loss,
    build.parameters.map((parameter) => parameter.name),
  );
  model.output(loss);
  model.output(predictions, 'int64');
  for (const gradient of gradients.values()) model.output(gradient);
  return { bytes: model.encode(), parameters: build.parameters, loss, predictions, gradients };
}

type Surroundings = {
  /** [B, T] */
  readonly shape: Value;
  readonly mask: Value;
  readonly rotate: (heads: Value) => Value;
  /** The rows that what follows needs. */
  readonly kept: (rows: Value) => Value;
};

function llamaLayer(build: Build, layer: number, x: Value, around: Surroundings): Value {
  const { config, diff } = build;
  const { rms_norm_eps: epsilon } = config;
  const linear = (input: Value, module: string): Value => loraModule(build, layer, input, module);
  const path = `model.layers.${layer}`;

  const attended = diff.rmsNorm(x, norm(build, `${path}.input_layernorm.weight`), epsilon);
  const mixed = around.kept(attention(build, attended, linear, around));
  const afterAttention = diff.add(around.kept(x), linear(mixed, 'self_attn.o_proj'));

  const fed = diff.rmsNorm(afterAttention, norm(build, `${path}.post_attention_layernorm.weight`), epsilon);
  const gated = diff.multiply(diff.silu(linear(fed, 'mlp.gate_proj')), linear(fed, 'mlp.up_proj'));
  return diff.add(afterAttention, linear(gated, 'mlp.down_proj'));
}

/** Grouped-query attention: the queries that share a key head are laid one after another, so that one product serves all. */
function attention(
  { config, model, diff }: Build,
  x: Value,
  linear: (input: Value, module: string) => Value,
  { shape, mask, rotate }: Surroundings,
): Value {
  const { num_attention_heads: queryHeads, num_key_value_heads: keyHeads, head_dim: head } = config;
  const { integers } = model;
  const inHeads = (heads: number): Value => model.node('Concat', [shape, integers(heads, head)], { axis: 0 });
  const asHeads = (rows: Value, heads: number): Value =>
    diff.transpose(diff.reshape(rows, inHeads(heads), integers(-1, heads * head)), [0, 2, 1, 3]);

  const queries = rotate(asHeads(linear(x, 'self_attn.q_proj'), queryHeads));
  const keys = rotate(asHeads(linear(x, 'self_attn.k_proj'), keyHeads));
  const values = asHeads(linear(x, 'self_attn.v_proj'), keyHeads);

  const scaled = diff.multiply(queries, model.scalar(1 / Math.sqrt(head)));
  const [perQuery, perKey] = [integers(0, queryHeads, -1, head), integers(0, keyHeads, -1, head)];
  const grouped = diff.reshape(scaled, perKey, perQuery);
  const scores = diff.matmul(grouped, diff.transpose(keys, [0, 1, 3, 2]));
  const mixed = diff.matmul(diff.softmax(diff.add(scores, mask)), values);
  const ungrouped = diff.transpose(diff.reshape(mixed, perQuery, perKey), [0, 2, 1, 3]);
  return diff.reshape(ungrouped, integers(-1, queryHeads * head), inHeads(queryHeads));
}

/** Rotary embedding in Hugging Face's layout: the two halves of a head turn against each other. */
function makeRotation({ config, model, diff }: Build, cos: Value, sin: Value): Surroundings['rotate'] {
  const head = config.head_dim;
  const half = head / 2;
  const turn = new Float32Array(head * head);
  for (let i = 0; i < half; i++) {
    turn[(i + half) * head + i] = -1;
    turn[i * head + i + half] = 1;
  }
  const matrix = model.constant(turn, [head, head]);
  const back = model.constant(transposed(turn, head, head), [head, head]);
  return (heads) =>
    diff.add(diff.multiply(heads, cos), diff.multiply(diff.matmulConstant(heads, matrix, back), sin));
}

function loraModule(build: Build, layer: number, x: Value, moduleName: string): Value {
  const { config, model, diff, rank, scale, parameters } = build;
  const module = LINEAR_MODULES.find((known) => known.module === moduleName);
  if (module === undefined) throw new Error(`not a module of a Llama layer: ${moduleName}`);
  const { inputs, outputs } = sizes(module, config);
  const values = valuesOf(build, `model.layers.${layer}.${moduleName}.weight`);
  const prefix = `base_model.model.model.layers.${layer}.${moduleName}`;
  const a: Parameter = { name: `${prefix}.lora_A.weight`, shape: [rank, inputs] };
  const b: Parameter = { name: `${prefix}.lora_B.weight`, shape: [outputs, rank] };
  for (const parameter of [a, b]) {
    parameters.push(parameter);
    diff.train(model.input(parameter.name, parameter.shape));
  }
  return diff.loraLinear(x, {
    weight: model.constant(values, [outputs, inputs]),
    a: a.name,
    b: b.name,
    scale,
  });
}

const sizes = (module: LinearModule, config: LlamaConfig) => ({
  inputs: module.inputs(config),
  outputs: module.outputs(config),
});

const norm = (build: Build, name: string): Value =>
  build.model.constant(valuesOf(build, name), [build.config.hidden_size]);

function valuesOf({ weights }: Build, name: string): Float32Array {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`the base lacks the tensor ${name}`);
  return toFloat32(tensor);
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column] ?? 0;
  }
  return out;
}
