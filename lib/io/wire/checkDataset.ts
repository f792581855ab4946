import { receiveCheck } from '#core/files/receiveCheck.ts';
import { QUEUES } from '#io/definitions/resources.ts';
import { makeObservability } from '#io/observability.ts';
import type { Environment } from './environment.ts';
import { makeFileDesk } from './files.ts';

/** Puts together what checks the files of the queue. */
export function wireCheckDataset(env: Environment) {
  const desk = makeFileDesk(env);
  return {
    ...makeObservability('check-dataset'),
    /** `receives`: how often the queue has delivered the message, this time included. */
    check: (body: string, receives: number) =>
      receiveCheck(desk, { body, isLastTry: receives >= QUEUES.datasets.maxReceives }),
  };
}
