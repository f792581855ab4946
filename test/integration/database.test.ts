import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TABLES } from '#io/definitions/resources.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

test('every table that is defined exists with its indexes', async () => {
  for (const table of Object.values(TABLES)) {
    const { Table } = await database.client.send(
      new DescribeTableCommand({ TableName: `${database.prefix}${table.name}` }),
    );
    expect(Table?.GlobalSecondaryIndexes?.map((i) => i.IndexName) ?? []).toEqual(
      table.indexes.map((i) => i.name),
    );
  }
});
