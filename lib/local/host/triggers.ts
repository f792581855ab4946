import type { SQSClient } from '@aws-sdk/client-sqs';
import { QUEUES } from '#io/definitions/resources.ts';
import { QUEUE_ARN_PREFIX, resourceName } from '#local/services/names.ts';
import type { LoadedFunctions } from './loadFunctions.ts';
import type { LocalFunction } from './localFunction.ts';
import { startQueueMapping } from './queueMapping.ts';
import { startSchedule } from './schedule.ts';

type Trigger = { readonly stop: () => Promise<void> };

/** Starts what calls functions by itself: their queues and their schedules, as their definitions say. */
export function startTriggers(options: {
  readonly functions: LoadedFunctions;
  readonly sqs: SQSClient;
  readonly queueUrl: (variable: string) => string;
  readonly log: (message: string, error?: unknown) => void;
}): Trigger {
  const { sqs, log } = options;
  const triggers = Object.values(options.functions).flatMap((target) => triggersOf(target));
  return { stop: async () => void (await Promise.all(triggers.map((trigger) => trigger.stop()))) };

  function triggersOf(target: LocalFunction): readonly Trigger[] {
    const { trigger } = target.definition;
    switch (trigger.kind) {
      case 'queue': {
        const queue = QUEUES[trigger.queue];
        const queueUrl = options.queueUrl(queue.env);
        const queueArn = `${QUEUE_ARN_PREFIX}${resourceName(queue.name)}`;
        return [startQueueMapping({ ...trigger, sqs, queueUrl, queueArn, target, log })];
      }
      case 'schedule':
        return [startSchedule({ target, everyMinutes: trigger.everyMinutes, log })];
      case 'http':
      case 'authorizer':
        return [];
    }
  }
}
