import type { JsonObject } from './apiClient.ts';
import { type LossPoint, lossCurve } from './lossCurve.ts';

/** What is known of a job that is being followed. */
export type JobView = {
  readonly status: string;
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number | null;
  readonly validationLoss: number | null;
  readonly tokensPerSecond: number | null;
  readonly remainingSeconds: number | null;
  readonly training: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
};

export const EMPTY_VIEW: JobView = {
  status: 'queued',
  step: 0,
  steps: 0,
  epoch: 0,
  loss: null,
  validationLoss: null,
  tokensPerSecond: null,
  remainingSeconds: null,
  training: [],
  validation: [],
};

const CURVE_HEIGHT = 8;
const MIN_BAR = 10;
const MAX_BAR = 40;
const STATUS_WIDTH = 9;

/** The view with one more event of the job; events that are not of a training's step change nothing. */
export function withEvent(view: JobView, event: JsonObject): JobView {
  const data = event['data'];
  if (event['type'] !== 'metrics' || typeof data !== 'object' || data === null) return view;
  const number = (name: string): number | null => {
    const value: unknown = Reflect.get(data, name);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const [step, steps, loss] = [number('step'), number('total_steps'), number('train_loss')];
  if (step === null || steps === null || loss === null) return view;
  const at = step / steps;
  const validationLoss = number('valid_loss');
  return {
    ...view,
    step,
    steps,
    loss,
    epoch: number('epoch') ?? view.epoch,
    validationLoss: validationLoss ?? view.validationLoss,
    tokensPerSecond: number('tokens_per_second'),
    remainingSeconds: number('remaining_seconds'),
    training: [...view.training, { at, loss }],
    validation:
      validationLoss === null ? view.validation : [...view.validation, { at, loss: validationLoss }],
  };
}

/** The view as lines for a terminal of so many columns: the bar, and the curve once there is one. */
export function viewLines(view: JobView, columns: number): readonly string[] {
  const curve = lossCurve(view.training, view.validation, { width: columns, height: CURVE_HEIGHT });
  return [
    ...curve,
    ...(curve.length === 0 ? [] : ['         loss: • training  ○ validation']),
    barLine(view, columns),
  ];
}

/** `running    [█████·····]   50%  step 40/80  loss 0.310  900 tokens/s  1:20 left` */
export function barLine(view: JobView, columns: number): string {
  const share = view.steps === 0 ? 0 : view.step / view.steps;
  const rest = [
    `${Math.round(share * 100)}%`.padStart(4),
    ...(view.steps === 0 ? [] : [`step ${view.step}/${view.steps}`]),
    ...(view.loss === null ? [] : [`loss ${view.loss.toFixed(3)}`]),
    ...(view.validationLoss === null ? [] : [`validation ${view.validationLoss.toFixed(3)}`]),
    ...(view.tokensPerSecond === null ? [] : [`${Math.round(view.tokensPerSecond)} tokens/s`]),
    ...(view.remainingSeconds === null ? [] : [`${clock(view.remainingSeconds)} left`]),
  ].join('  ');
  const status = view.status.padEnd(STATUS_WIDTH);
  const width = Math.max(MIN_BAR, Math.min(MAX_BAR, columns - status.length - rest.length - 6));
  const filled = Math.round(share * width);
  const bar = `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}]`;
  return `${status}  ${bar}  ${rest}`.slice(0, columns);
}

const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;
