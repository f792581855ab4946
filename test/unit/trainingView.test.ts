import { expect, test } from 'vitest';
import { lossCurve } from '#cli/lossCurve.ts';
import { barLine, EMPTY_VIEW, viewLines, withEvent } from '#cli/trainingView.ts';

const step = (data: Record<string, unknown>) => ({ type: 'metrics', data: { total_steps: 80, ...data } });

test('a curve falls from its highest loss to its lowest, the beginning on the left', () => {
  const points = [4, 2, 1, 0].map((loss, i) => ({ at: i / 3, loss }));
  const lines = lossCurve(points, [{ at: 1, loss: 1 }], { width: 30, height: 5 });
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(/^ +4\.000 │•$/);
  expect(lines[3]).toMatch(/• +○$/);
  expect(lines[4]).toMatch(/^ +0\.000 │ +•$/);
});

test('the bar tells where the training is', () => {
  const half = withEvent(
    { ...EMPTY_VIEW, status: 'running' },
    step({ step: 40, train_loss: 0.31, valid_loss: 0.4, tokens_per_second: 900, remaining_seconds: 80 }),
  );
  expect(barLine(half, 140)).toBe(
    `running    [${'█'.repeat(20)}${'·'.repeat(20)}]   50%  step 40/80  loss 0.310  validation 0.400  900 tokens/s  1:20 left`,
  );
  expect(barLine(half, 60).length).toBeLessThanOrEqual(60);
});

test('what is no step of a training changes nothing', () => {
  for (const event of [
    { type: 'message', data: {} },
    { type: 'metrics' },
    step({ step: 'x', train_loss: 1 }),
  ])
    expect(withEvent(EMPTY_VIEW, event)).toBe(EMPTY_VIEW);
  expect(viewLines(EMPTY_VIEW, 80)).toHaveLength(1);
});
