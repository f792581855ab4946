import { daysToReconcile } from '#core/reconciliation/daysToReconcile.ts';
import { QUEUES } from '#io/definitions/resources.ts';
import { makeReconciliationQueue } from '#io/sqs/reconciliationQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the start-reconciliation function works with. */
export function wireStartReconciliation(env: Environment) {
  const queue = makeReconciliationQueue(makeSqs(), requireVariable(env, QUEUES.reconciliations.env));
  return {
    start: async (): Promise<void> => {
      for (const day of daysToReconcile(systemWorld.clock())) await queue.send({ day });
    },
  };
}
