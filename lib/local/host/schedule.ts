import { randomUUID } from 'node:crypto';
import type { ScheduledEvent } from 'aws-lambda';
import type { LocalFunction } from './localFunction.ts';

/** The first run comes soon after the start: what should have run while the machine was off is late already. */
const FIRST_RUN_AFTER_MS = 2_000;

export type Schedule = {
  readonly target: LocalFunction;
  readonly everyMinutes: number;
  readonly log: (message: string, error?: unknown) => void;
};

/** Calls a function regularly as an EventBridge schedule does; a run that is still going on is not doubled. */
export function startSchedule({ target, everyMinutes, log }: Schedule): {
  readonly stop: () => Promise<void>;
} {
  let running: Promise<void> | undefined;
  const run = (): void => {
    running ??= target
      .invoke(scheduledEvent(target.name, Date.now()))
      .then(() => undefined)
      .catch((error: unknown) => log(`the scheduled ${target.name} failed`, error))
      .finally(() => {
        running = undefined;
      });
  };
  const first = setTimeout(run, FIRST_RUN_AFTER_MS);
  const interval = setInterval(run, everyMinutes * 60_000);
  return {
    stop: async () => {
      clearTimeout(first);
      clearInterval(interval);
      await running;
    },
  };
}

const scheduledEvent = (name: string, nowMs: number): ScheduledEvent => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '000000000000',
  time: new Date(nowMs).toISOString(),
  region: 'us-east-1',
  resources: [`arn:aws:events:us-east-1:000000000000:rule/tunegate-${name}`],
  detail: {},
});
