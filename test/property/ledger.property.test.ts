import { afterAll, beforeAll, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { checkInLanes, concurrentProperty, sequentialProperty } from '#test/builders/ledgerProperties.ts';
import { patienceMs, runs } from '#test/builders/runs.ts';

const TIMEOUT_MS = patienceMs(400_000);

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

test(
  'the rules and the store agree, whatever crashes, conflicts or is delivered again',
  () => checkInLanes(() => sequentialProperty(database), runs(1_200).numRuns),
  TIMEOUT_MS,
);

test(
  'some order of the rules explains whatever concurrent writers do',
  () => checkInLanes(() => concurrentProperty(database), runs(800).numRuns),
  TIMEOUT_MS,
);
