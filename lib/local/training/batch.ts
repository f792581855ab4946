import { Tensor } from 'onnxruntime-node';
import type { LlamaConfig } from '#local/engine/baseModel.ts';
import type { Example } from './examples.ts';

export type Batch = {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** What is to be predicted, in the graph's order. */
  readonly targets: readonly { readonly example: number; readonly token: bigint }[];
};

const MASKED = -1e9;

/**
 * Lays examples side by side, padded to the longest; only the answers' tokens count towards the loss, each with its
 * share of the whole step's.
 */
export function makeBatch(
  config: LlamaConfig,
  examples: readonly Example[],
  answerTokens = answerTokensOf(examples),
): Batch {
  const length = Math.max(...examples.map((example) => example.tokens.length)) - 1;
  const ids = new BigInt64Array(examples.length * length).fill(BigInt(config.pad_token_id));
  const positions: bigint[] = [];
  const targets: { example: number; token: bigint }[] = [];
  examples.forEach(({ tokens, answerFrom }, row) => {
    tokens.slice(0, -1).forEach((token, column) => {
      ids[row * length + column] = BigInt(token);
      if (column + 1 < answerFrom) return;
      positions.push(BigInt(row * length + column));
      targets.push({ example: row, token: BigInt(tokens[column + 1] ?? 0) });
    });
  });
  const count = targets.length;
  const groups = config.num_attention_heads / config.num_key_value_heads;
  const { cos, sin } = rotations(config, length);
  return {
    targets,
    feeds: {
      ids: new Tensor('int64', ids, [examples.length, length]),
      cos: new Tensor('float32', cos, [length, config.head_dim]),
      sin: new Tensor('float32', sin, [length, config.head_dim]),
      mask: new Tensor('float32', causalMask(groups, length), [groups * length, length]),
      positions: new Tensor('int64', BigInt64Array.from(positions), [count, 1]),
      targets: new Tensor(
        'int64',
        BigInt64Array.from(targets, (target) => target.token),
        [count],
      ),
      weights: new Tensor('float32', new Float32Array(count).fill(1 / answerTokens), [count, 1]),
    },
  };
}

/**
 * Cuts a step into passes of at most `maxTokens`, padding included; one example may be longer by itself. What is
 * learnt is the same, only the memory differs.
 */
export function cutPasses(examples: readonly Example[], maxTokens: number): readonly (readonly Example[])[] {
  const passes: Example[][] = [];
  for (const example of examples.toSorted((a, b) => a.tokens.length - b.tokens.length)) {
    const last = passes.at(-1);
    // The longest comes last, so a pass is as wide as this example.
    if (last !== undefined && (last.length + 1) * example.tokens.length <= maxTokens) last.push(example);
    else passes.push([example]);
  }
  return passes;
}

/** How many tokens of the examples count towards the loss. */
export const answerTokensOf = (examples: readonly Example[]): number =>
  examples.reduce((sum, { tokens, answerFrom }) => sum + tokens.length - answerFrom, 0);

function rotations({ head_dim: head, rope_theta: theta }: LlamaConfig, length: number) {
  const cos = new Float32Array(length * head);
  const sin = new Float32Array(length * head);
  const half = head / 2;
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < head; i++) {
      const angle = position * theta ** ((-2 * (i % half)) / head);
      cos[position * head + i] = Math.cos(angle);
      sin[position * head + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Nobody sees what comes after; padding stands at the end, so this hides it as well. One copy for each query group. */
function causalMask(groups: number, length: number): Float32Array {
  const mask = new Float32Array(groups * length * length);
  for (let query = 0; query < groups * length; query++) {
    for (let key = (query % length) + 1; key < length; key++) mask[query * length + key] = MASKED;
  }
  return mask;
}
