import * as z from 'zod/mini';
import type { JobDesk, TrainingMessage } from '#core/training/ports.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { countAs } from '#io/observability.ts';
import { makeMessageQueue } from '#io/sqs/messageQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const Slots = z.coerce.number().check(z.int(), z.gte(1));

/** What every function that changes training jobs works with. */
export function makeJobDesk(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const slots = (name: string): number => Slots.parse(requireVariable(env, name));
  return {
    world: systemWorld,
    jobs: makeJobStore(dynamoDb, requireVariable(env, TABLES.training.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    slots: {
      perTenant: slots(SETTINGS.trainingSlotsPerTenant),
      overall: slots(SETTINGS.trainingSlots),
    },
    queue: makeMessageQueue<TrainingMessage>(makeSqs(), requireVariable(env, QUEUES.training.env)),
    countFailure: () => countAs(METRICS.trainingFailed),
  } satisfies JobDesk;
}
