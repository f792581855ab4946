import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { startDynamoDb } from './services/dynamodb.ts';
import { pathsIn } from './start/paths.ts';

/** What a running product says of itself in its data directory. */
const runSchema = z.object({ dynamodbUrl: z.url() });

/** A DynamoDB over a data directory: the running product's own, or one started for the caller, who stops it. */
export type OpenDatabase = { readonly url: string; readonly stop: () => Promise<void> };

const ANSWERS_WITHIN_MS = 1_000;

/**
 * Opens the database of a data directory whether the product runs on it or not. Throws with one line to show when
 * there is none.
 */
export async function openDatabase(dataDir: string): Promise<OpenDatabase> {
  const paths = pathsIn(dataDir);
  const running = await runningDatabase(paths.run);
  if (running !== undefined) return { url: running, stop: async () => {} };
  const external = process.env['TUNEGATE_DYNAMODB_ENDPOINT'];
  if (external !== undefined) return { url: external, stop: async () => {} };
  if (!existsSync(paths.dynamodb)) throw new Error(`${dataDir} holds no data: nothing has run there yet`);
  return startDynamoDb({ file: paths.dynamodb });
}

/** The address of the running product's database; undefined when it has ended, however it ended. */
async function runningDatabase(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const run = runSchema.safeParse(readJson(path));
  if (!run.success) return undefined;
  const answer = await fetch(run.data.dynamodbUrl, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }).catch(
    () => undefined,
  );
  await answer?.arrayBuffer();
  return answer === undefined ? undefined : run.data.dynamodbUrl;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // half-written by a product that is just starting or was killed
  }
}
