import { afterAll, beforeAll, describe, test } from 'vitest';
import type { TestDatabase } from '#test/builders/database.ts';
import { missingForDynamoDbLocal, startDynamoDbLocal } from '#test/builders/dynamoDbLocal.ts';
import { checkInLanes, concurrentProperty, sequentialProperty } from '#test/builders/ledgerProperties.ts';
import { patienceMs, runs } from '#test/builders/runs.ts';

const TIMEOUT_MS = patienceMs(400_000);
const START_MS = 60_000;

const missing = missingForDynamoDbLocal();
if (missing !== undefined)
  console.warn(`SKIPPED: the ledger on DynamoDB Local, the second oracle: ${missing}`);

describe.skipIf(missing !== undefined)('on DynamoDB Local', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDynamoDbLocal();
  }, START_MS);
  afterAll(() => database?.stop());

  test(
    'the rules and the store agree, whatever crashes, conflicts or is delivered again',
    () => checkInLanes(() => sequentialProperty(database), runs(25).numRuns),
    TIMEOUT_MS,
  );

  test(
    'some order of the rules explains whatever concurrent writers do',
    () => checkInLanes(() => concurrentProperty(database), runs(25).numRuns),
    TIMEOUT_MS,
  );
});
