import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDynamoDb } from '#local/services/dynamodb.ts';
import { createTables } from '#local/setup/createTables.ts';

export type TestDatabase = {
  readonly url: string;
  readonly client: DynamoDBDocumentClient;
  /** What the definitions' table names begin with here. */
  readonly prefix: string;
  readonly stop: () => Promise<void>;
};

/** A DynamoDB of one's own, empty, with every table created; in memory unless `onFile`. */
export async function startTestDatabase(options: { readonly onFile?: boolean } = {}): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'tunegate-db-'));
  const service = await startDynamoDb(options.onFile === true ? { file: join(directory, 'db.sqlite') } : {});
  return prepareDatabase(service.url, async () => {
    await service.stop();
    rmSync(directory, { recursive: true, force: true });
  });
}

/** Creates every table in the database behind an address and connects to it. */
export async function prepareDatabase(url: string, stop: () => Promise<void>): Promise<TestDatabase> {
  const bare = new DynamoDBClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await createTables(bare, 'test-');
  return {
    url,
    client: DynamoDBDocumentClient.from(bare, { marshallOptions: { removeUndefinedValues: true } }),
    prefix: 'test-',
    stop: async () => {
      bare.destroy();
      await stop();
    },
  };
}
