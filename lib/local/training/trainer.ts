import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Tensor as StoredTensor } from '#core/weights/safetensors.ts';
import type { LlamaConfig } from '#local/engine/baseModel.ts';
import { type AdamState, adamStep, makeAdamState } from './adamW.ts';
import { type Batch, makeBatch } from './batch.ts';
import type { Example } from './examples.ts';
import { buildLlamaGraph, type Parameter } from './llamaGraph.ts';
import { gaussian, makeRandom } from './random.ts';

export type LoraSettings = {
  readonly rank: 8 | 16 | 32;
  readonly alpha: number;
  readonly seed: number;
};

export type TrainedParameter = Parameter & { readonly values: Float32Array };

export type LoraTrainer = {
  readonly parameters: readonly TrainedParameter[];
  /** One step of the optimizer over a batch; answers the mean loss of a token before it. */
  readonly step: (examples: readonly Example[], rate: number) => Promise<{ loss: number; tokens: number }>;
  /** The loss and the share of examples whose whole answer is what the model would say, token for token. */
  readonly evaluate: (examples: readonly Example[]) => Promise<{ loss: number; exact: number }>;
  /** The loss and the gradient of every parameter, for checks. */
  readonly gradients: (
    examples: readonly Example[],
  ) => Promise<{ loss: number; byName: ReadonlyMap<string, Float32Array> }>;
  readonly close: () => Promise<void>;
};

const CLIP_NORM = 1;

/** Builds the graph for a base and makes it ready to train. B begins at zero, so that training begins at the base. */
export async function makeLoraTrainer(
  config: LlamaConfig,
  weights: ReadonlyMap<string, StoredTensor>,
  settings: LoraSettings,
  threads: number,
): Promise<LoraTrainer> {
  const graph = buildLlamaGraph(config, weights, settings);
  const random = makeRandom(settings.seed);
  const parameters = graph.parameters.map((parameter): TrainedParameter => {
    const [rows, columns] = parameter.shape;
    const values = new Float32Array(rows * columns);
    if (parameter.name.includes('lora_A')) {
      for (let i = 0; i < values.length; i++) values[i] = gaussian(random) / Math.sqrt(columns);
    }
    return { ...parameter, values };
  });
  const session = await InferenceSession.create(graph.bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3, // errors only
    // Threads that wait for work by spinning would take the processor from everything else on the machine.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const adam: AdamState = makeAdamState(parameters.map((parameter) => parameter.values.length));

  const run = async (batch: Batch) => {
    const feeds: Record<string, Tensor> = { ...batch.feeds };
    for (const { name, values, shape } of parameters) feeds[name] = new Tensor('float32', values, shape);
    const outputs = await session.run(feeds);
    const gradients = parameters.map(({ name }) => floats(outputs[graph.gradients.get(name) ?? '']));
    const predictions = outputs[graph.predictions]?.data;
    if (!(predictions instanceof BigInt64Array)) throw new Error('the graph gave no predictions');
    return { loss: floats(outputs[graph.loss])[0] ?? Number.NaN, gradients, predictions };
  };

  return {
    parameters,
    step: async (examples, rate) => {
      const batch = makeBatch(config, examples);
      const { loss, gradients } = await run(batch);
      clip(gradients);
      adamStep(
        adam,
        parameters.map((parameter) => parameter.values),
        gradients,
        rate,
      );
      return { loss, tokens: batch.tokens };
    },
    evaluate: async (examples) => {
      const batch = makeBatch(config, examples);
      const { loss, predictions } = await run(batch);
      const wrong = new Set<number>();
      batch.targets.forEach((target, i) => {
        if (predictions[i] !== target.token) wrong.add(target.example);
      });
      return { loss, exact: (examples.length - wrong.size) / examples.length };
    },
    gradients: async (examples) => {
      const { loss, gradients } = await run(makeBatch(config, examples));
      return {
        loss,
        byName: new Map(parameters.map(({ name }, i) => [name, gradients[i] ?? new Float32Array()])),
      };
    },
    close: () => session.release(),
  };
}

function floats(tensor: { readonly data: unknown } | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array))
    throw new Error('the graph gave no floats where they were expected');
  return tensor.data;
}

/** Scales all gradients together so that their common norm is at most `CLIP_NORM`. */
function clip(gradients: readonly Float32Array[]): void {
  let squares = 0;
  for (const gradient of gradients) for (const value of gradient) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm <= CLIP_NORM) return;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) gradient[i] = ((gradient[i] ?? 0) * CLIP_NORM) / norm;
  }
}
