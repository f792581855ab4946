import type { OnnxModel, Value } from './onnxModel.ts';

/** What a step of the tape passes back: to which operand, and how its gradient is made (only if it is needed). */
type Contribution = readonly [operand: Value, gradient: () => Value];

export type Autodiff = ReturnType<typeof makeAutodiff>;

/**
 * Reverse-mode differentiation over an ONNX model that is being written: each operation records how the gradient of
 * its output becomes those of its operands, and `gradients` appends the backward pass to the same model. Only what
 * depends on a trainable value is differentiated.
 */
export function makeAutodiff(model: OnnxModel) {
  const trainable = new Set<Value>();
  const tape: { readonly output: Value; readonly backward: (gradient: Value) => readonly Contribution[] }[] =
    [];
  const { node, scalar, integers } = model;

  const record = (
    output: Value,
    operands: readonly Value[],
    backward: (gradient: Value) => readonly Contribution[],
  ): Value => {
    if (!operands.some((operand) => trainable.has(operand))) return output;
    trainable.add(output);
    tape.push({ output, backward });
    return output;
  };
  const swapped = (matrix: Value): Value => node('Transpose', [matrix], { perm: [0, 1, 3, 2] });

  return {
    /** Declares an input as something to train. */
    train: (value: Value): void => void trainable.add(value),
    record,

    add: (a: Value, b: Value): Value =>
      record(node('Add', [a, b]), [a, b], (g) => [
        [a, () => g],
        [b, () => g],
      ]),

    /** Element by element; `b` may be broadcast only where it needs no gradient. */
    multiply: (a: Value, b: Value): Value =>
      record(node('Mul', [a, b]), [a, b], (g) => [
        [a, () => node('Mul', [g, b])],
        [b, () => node('Mul', [g, a])],
      ]),

    transpose: (a: Value, permutation: readonly number[]): Value => {
      const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
      return record(node('Transpose', [a], { perm: permutation }), [a], (g) => [
        [a, () => node('Transpose', [g], { perm: inverse })],
      ]);
    },

    /** `back` is the shape of `a`; as in ONNX, 0 keeps a dimension and -1 is worked out. */
    reshape: (a: Value, to: Value, back: Value): Value =>
      record(node('Reshape', [a, to]), [a], (g) => [[a, () => node('Reshape', [g, back])]]),

    /** A product of matrices in the last two of four dimensions. */
    matmul: (a: Value, b: Value): Value =>
      record(node('MatMul', [a, b]), [a, b], (g) => [
        [a, () => node('MatMul', [g, swapped(b)])],
        [b, () => node('MatMul', [swapped(a), g])],
      ]),

    /** A product with a constant, whose transpose is given as well. */
    matmulConstant: (a: Value, constant: Value, transposed: Value): Value =>
      record(node('MatMul', [a, constant]), [a], (g) => [[a, () => node('MatMul', [g, transposed])]]),

    softmax: (a: Value): Value => {
      const y = node('Softmax', [a], { axis: -1 });
      return record(y, [a], (g) => [
        [
          a,
          () => {
            const sum = node('ReduceSum', [node('Mul', [g, y]), integers(-1)], { keepdims: 1 });
            return node('Mul', [y, node('Sub', [g, sum])]);
          },
        ],
      ]);
    },

    /** x · sigmoid(x). */
    silu: (a: Value): Value => {
      const gate = node('Sigmoid', [a]);
      const y = node('Mul', [a, gate]);
      return record(y, [a], (g) => [
        [
          a,
          () => {
            const slope = node('Add', [gate, node('Mul', [y, node('Sub', [scalar(1), gate])])]);
            return node('Mul', [g, slope]);
          },
        ],
      ]);
    },

    /** Root-mean-square normalization over the last dimension, times a constant weight. */
    rmsNorm: (x: Value, weight: Value, epsilon: number): Value => {
      const meanSquare = node('ReduceMean', [node('Mul', [x, x])], { axes: [-1], keepdims: 1 });
      const inverse = node('Div', [scalar(1), node('Sqrt', [node('Add', [meanSquare, scalar(epsilon)])])]);
      const y = node('Mul', [node('Mul', [x, inverse]), weight]);
      return record(y, [x], (g) => [
        [
          x,
          () => {
            const weighted = node('Mul', [g, weight]);
            const along = node('ReduceMean', [node('Mul', [weighted, x])], { axes: [-1], keepdims: 1 });
            const cubed = node('Mul', [inverse, node('Mul', [inverse, inverse])]);
            return node('Sub', [
              node('Mul', [weighted, inverse]),
              node('Mul', [x, node('Mul', [along, cubed])]),
            ]);
          },
        ],
      ]);
    },

    /** Picks rows by their numbers, [S, 1]; their gradients go back to where they came from, zero elsewhere. */
    pick: (x: Value, indices: Value): Value =>
      record(node('GatherND', [x, indices]), [x], (g) => [
        [x, () => node('ScatterND', [node('Mul', [x, scalar(0)]), indices, g], { reduction: 'add' })],
      ]),

    /**
     * A linear layer over rows with a low-rank change: x·(W + scale·B·A)ᵀ. W is constant. The change is added to the
     * weight, which is smaller than what goes through it.
     */
    loraLinear: (x: Value, layer: LoraLayer): Value => {
      const { weight, a, b, scale } = layer;
      const change = node('Mul', [node('MatMul', [b, a]), scalar(scale)]);
      const changed = node('Add', [weight, change]);
      const y = node('Gemm', [x, changed], { transB: 1 });
      return record(y, [x, a, b], (g) => {
        const low = node('Mul', [node('Gemm', [x, a], { transB: 1 }), scalar(scale)]);
        const lowGradient = node('Mul', [node('Gemm', [g, b]), scalar(scale)]);
        return [
          [b, () => node('Gemm', [g, low], { transA: 1 })],
          [a, () => node('Gemm', [lowGradient, x], { transA: 1 })],
          [x, () => node('Gemm', [g, changed])],
        ];
      });
    },

    /** Appends the backward pass of a scalar loss and answers where each wanted value's gradient is. */
    gradients: (loss: Value, wanted: readonly Value[]): ReadonlyMap<Value, Value> => {
      const parts = new Map<Value, Value[]>([[loss, [scalar(1)]]]);
      const total = (value: Value): Value | undefined => {
        const [only, ...more] = parts.get(value) ?? [];
        return more.length === 0 || only === undefined ? only : node('Sum', [only, ...more]);
      };
      for (const { output, backward } of tape.toReversed()) {
        const gradient = total(output);
        if (gradient === undefined) continue; // it does not reach the loss
        for (const [operand, make] of backward(gradient)) {
          if (!trainable.has(operand)) continue;
          parts.set(operand, [...(parts.get(operand) ?? []), make()]);
        }
      }
      return new Map(
        wanted.map((value) => {
          const gradient = total(value);
          if (gradient === undefined) throw new Error(`the loss does not depend on ${value}`);
          return [value, gradient];
        }),
      );
    },
  };
}

export type LoraLayer = {
  /** The frozen weight, [outputs, inputs]. */
  readonly weight: Value;
  /** [rank, inputs] */
  readonly a: Value;
  /** [outputs, rank] */
  readonly b: Value;
  /** alpha / rank */
  readonly scale: number;
};
