import { Tensor } from 'onnxruntime-node';
import type { LlamaConfig } from '#local/engine/baseModel.ts';
import type { Example } from './examples.ts';

export type Batch = {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** What is to be predicted, in the graph's order. */
  readonly targets: readonly { readonly example: number; readonly token: bigint }[];
};

const MASKED = -1e9;
/** Examples that stand in one row see nothing of each other, and yet every score between them is computed. */
const MAX_ROW_TOKENS = 256;
/** The owner of what all examples of a row begin with. */
const SHARED = -1;

/**
 * Lays examples end to end in one row. What all of them begin with, as the system's message, stands there once: its
 * tokens see nothing of what follows, so they are the same for all. Only the answers' tokens count towards the loss,
 * each with its share of the whole step's.
 */
export function makeBatch(
  config: LlamaConfig,
  examples: readonly Example[],
  answerTokens = answerTokensOf(examples),
): Batch {
  const row = layOut(examples);
  const length = row.length;
  const positions: bigint[] = [];
  const targets: { example: number; token: bigint }[] = [];
  row.forEach(({ owner, target }, at) => {
    if (target === undefined) return;
    positions.push(BigInt(at));
    targets.push({ example: owner, token: BigInt(target) });
  });
  const count = targets.length;
  const groups = config.num_attention_heads / config.num_key_value_heads;
  const { cos, sin } = rotations(config, row);
  return {
    targets,
    feeds: {
      ids: new Tensor(
        'int64',
        BigInt64Array.from(row, ({ token }) => BigInt(token)),
        [1, length],
      ),
      cos: new Tensor('float32', cos, [length, config.head_dim]),
      sin: new Tensor('float32', sin, [length, config.head_dim]),
      mask: new Tensor('float32', maskOf(groups, row), [groups * length, length]),
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
 * Cuts a step into passes, a row of at most `maxTokens` each; one example may be longer by itself. What is learnt is
 * the same, only memory and time differ.
 */
export function cutPasses(examples: readonly Example[], maxTokens: number): readonly (readonly Example[])[] {
  const most = Math.min(maxTokens, MAX_ROW_TOKENS);
  const passes: Example[][] = [];
  for (const example of examples.toSorted((a, b) => a.tokens.length - b.tokens.length)) {
    const last = passes.at(-1);
    if (last !== undefined && rowTokens([...last, example]) <= most) last.push(example);
    else passes.push([example]);
  }
  return passes;
}

function rowTokens(examples: readonly Example[]): number {
  const shared = sharedBy(examples);
  return examples.reduce((sum, { tokens }) => sum + tokens.length - 1 - shared, shared);
}

type Place = {
  readonly token: number;
  /** Where it stands in its own example. */
  readonly position: number;
  /** The example's number, or `SHARED`. */
  readonly owner: number;
  /** The token that is to be predicted here, where one is. */
  readonly target?: number;
};

/** The last token of each example is only predicted, never read. */
function layOut(examples: readonly Example[]): readonly Place[] {
  const shared = sharedBy(examples);
  const places = (examples[0]?.tokens.slice(0, shared) ?? []).map(
    (token, position): Place => ({ token, position, owner: SHARED }),
  );
  examples.forEach(({ tokens, answerFrom }, owner) => {
    for (let position = shared; position < tokens.length - 1; position++) {
      const place = { token: tokens[position] ?? 0, position, owner };
      const next = tokens[position + 1] ?? 0;
      places.push(position + 1 < answerFrom ? place : { ...place, target: next });
    }
  });
  return places;
}

/** How many tokens all examples begin with, at most up to where the first answer is predicted from. */
function sharedBy(examples: readonly Example[]): number {
  const first = examples[0]?.tokens ?? [];
  const most = Math.min(...examples.map(({ answerFrom }) => answerFrom)) - 1;
  let shared = 0;
  while (shared < most && examples.every(({ tokens }) => tokens[shared] === first[shared])) shared++;
  return shared;
}

/** How many tokens of the examples count towards the loss. */
export const answerTokensOf = (examples: readonly Example[]): number =>
  examples.reduce((sum, { tokens, answerFrom }) => sum + tokens.length - answerFrom, 0);

function rotations({ head_dim: head, rope_theta: theta }: LlamaConfig, row: readonly Place[]) {
  const cos = new Float32Array(row.length * head);
  const sin = new Float32Array(row.length * head);
  const half = head / 2;
  row.forEach(({ position }, at) => {
    for (let i = 0; i < head; i++) {
      const angle = position * theta ** ((-2 * (i % half)) / head);
      cos[at * head + i] = Math.cos(angle);
      sin[at * head + i] = Math.sin(angle);
    }
  });
  return { cos, sin };
}

/** A token sees what came before it in its own example, and what is shared. One copy for each query group. */
function maskOf(groups: number, row: readonly Place[]): Float32Array {
  const { length } = row;
  const mask = new Float32Array(groups * length * length).fill(MASKED);
  for (let query = 0; query < groups * length; query++) {
    const at = query % length;
    for (let key = 0; key <= at; key++) {
      const owner = row[key]?.owner;
      if (owner === SHARED || owner === row[at]?.owner) mask[query * length + key] = 0;
    }
  }
  return mask;
}
