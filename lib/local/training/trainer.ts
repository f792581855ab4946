import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Tensor as StoredTensor } from '#core/weights/safetensors.ts';
import type { LlamaConfig } from '#local/engine/baseModel.ts';
import { type AdamState, adamStep, makeAdamState } from './adamW.ts';
import { answerTokensOf, type Batch, cutPasses, makeBatch } from './batch.ts';
import type { Example } from './examples.ts';
import { buildLlamaGraph, type Parameter } from './llamaGraph.ts';
import { gaussian, makeRandom } from './random.ts';

export type LoraSettings = {
  readonly rank: 8 | 16 | 32;
  readonly alpha: number;
  readonly seed: number;
  /** The most that goes through the model at once, padding included: a bound of memory that changes nothing else. */
  readonly tokensPerPass: number;
};

export type TrainedParameter = Parameter & { readonly values: Float32Array };

export type LoraTrainer = {
  readonly parameters: readonly TrainedParameter[];
  /** The optimizer's moments, in the order of the parameters; a checkpoint needs them. */
  readonly adam: AdamState;
  /** One step of the optimizer over a batch; answers the mean loss of an answer's token before it. */
  readonly step: (examples: readonly Example[], rate: number) => Promise<number>;
  /** The mean loss of an answer's token, and how many examples' whole answer is what the model would say. */
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

  /** The loss and gradients of a step, in as many passes as its size asks for. */
  const runStep = async (examples: readonly Example[]) => {
    const answerTokens = answerTokensOf(examples);
    let loss = 0;
    let gradients: readonly Float32Array[] = [];
    for (const pass of cutPasses(examples, settings.tokensPerPass)) {
      const done = await run(makeBatch(config, pass, answerTokens));
      loss += done.loss;
      gradients = gradients.length === 0 ? done.gradients : added(gradients, done.gradients);
    }
    return { loss, gradients };
  };

  return {
    parameters,
    adam,
    step: async (examples, rate) => {
      const { loss, gradients } = await runStep(examples);
      if (!Number.isFinite(loss)) return loss; // the caller's to report; nothing is learnt from it
      clip(gradients);
      adamStep(
        adam,
        parameters.map((parameter) => parameter.values),
        gradients,
        rate,
      );
      return loss;
    },
    evaluate: async (examples) => {
      const answerTokens = answerTokensOf(examples);
      let loss = 0;
      let exact = 0;
      for (const pass of cutPasses(examples, settings.tokensPerPass)) {
        const batch = makeBatch(config, pass, answerTokens);
        const done = await run(batch);
        const wrong = new Set<number>();
        batch.targets.forEach((target, i) => {
          if (done.predictions[i] !== target.token) wrong.add(target.example);
        });
        loss += done.loss;
        exact += pass.length - wrong.size;
      }
      return { loss, exact };
    },
    gradients: async (examples) => {
      const { loss, gradients } = await runStep(examples);
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

function added(sums: readonly Float32Array[], more: readonly Float32Array[]): readonly Float32Array[] {
  sums.forEach((sum, at) => {
    const values = more[at] ?? sum;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (values[i] ?? 0);
  });
  return sums;
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
