import { receiveTrainingEvent } from '#core/training/receiveTrainingEvent.ts';
import type { Environment } from './environment.ts';
import { makeFollowDesk } from './followTraining.ts';

/** Puts together what hears of training jobs. */
export function wireTrainingEvents(env: Environment) {
  const { desk, observability } = makeFollowDesk(env, 'training-events');
  return { ...observability, receive: (body: string) => receiveTrainingEvent(desk, body) };
}
