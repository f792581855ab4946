/** A point of a curve: how far the training was, from 0 to 1, and the loss there. */
export type LossPoint = { readonly at: number; readonly loss: number };

const LABEL_WIDTH = 8;

export type CurveSize = { readonly width: number; readonly height: number };

/**
 * Draws losses over the course of a training as lines of text, `•` for what is learnt and `○` for what is held apart.
 * Where several points fall into one place, the last one stands.
 */
export function lossCurve(
  training: readonly LossPoint[],
  validation: readonly LossPoint[],
  { width, height }: CurveSize,
): readonly string[] {
  const losses = [...training, ...validation].map(({ loss }) => loss);
  if (losses.length === 0) return [];
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const columns = Math.max(1, width - LABEL_WIDTH - 2);
  const rows = Array.from({ length: height }, () => Array.from({ length: columns }, () => ' '));
  const draw = (points: readonly LossPoint[], mark: string): void => {
    for (const { at, loss } of points) {
      const share = high === low ? 0 : (loss - low) / (high - low);
      const row = rows[Math.round((1 - share) * (height - 1))];
      if (row !== undefined) row[Math.min(columns - 1, Math.max(0, Math.round(at * (columns - 1))))] = mark;
    }
  };
  draw(training, '•');
  draw(validation, '○');
  const labels = rows.map((_, i) => (i === 0 ? high.toFixed(3) : i === height - 1 ? low.toFixed(3) : ''));
  return rows.map((row, i) => `${(labels[i] ?? '').padStart(LABEL_WIDTH)} │${row.join('')}`.trimEnd());
}
