export type AdamState = {
  steps: number;
  readonly means: readonly Float32Array[];
  readonly squares: readonly Float32Array[];
};

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

export const makeAdamState = (sizes: readonly number[]): AdamState => ({
  steps: 0,
  means: sizes.map((size) => new Float32Array(size)),
  squares: sizes.map((size) => new Float32Array(size)),
});

/** One step of AdamW, in place. Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization". */
export function adamStep(
  state: AdamState,
  parameters: readonly Float32Array[],
  gradients: readonly Float32Array[],
  rate: number,
  weightDecay = 0,
): void {
  state.steps += 1;
  const meanBias = 1 - BETA_1 ** state.steps;
  const squareBias = 1 - BETA_2 ** state.steps;
  parameters.forEach((values, index) => {
    const gradient = gradients[index] ?? values;
    const mean = state.means[index] ?? values;
    const square = state.squares[index] ?? values;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] ?? 0;
      const m = BETA_1 * (mean[i] ?? 0) + (1 - BETA_1) * g;
      const v = BETA_2 * (square[i] ?? 0) + (1 - BETA_2) * g * g;
      mean[i] = m;
      square[i] = v;
      const value = values[i] ?? 0;
      values[i] = value - rate * (m / meanBias / (Math.sqrt(v / squareBias) + EPSILON) + weightDecay * value);
    }
  });
}
