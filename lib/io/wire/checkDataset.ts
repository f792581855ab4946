import { receiveCheck } from '#core/files/receiveCheck.ts';
import { makeObservability } from '#io/observability.ts';
import type { Environment } from './environment.ts';
import { makeFileDesk } from './files.ts';

/** Puts together what checks the files of the queue. */
export function wireCheckDataset(env: Environment) {
  const desk = makeFileDesk(env);
  return { ...makeObservability('check-dataset'), check: (body: string) => receiveCheck(desk, body) };
}
