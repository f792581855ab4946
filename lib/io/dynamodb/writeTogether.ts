import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';

const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 10;
/** Reasons that say "not now" and nothing about our conditions. */
const TRANSIENT = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type WithoutTable<T> = T extends object ? Omit<T, 'TableName'> : T;
/** An item of a transaction whose table goes without saying. */
export type Write = { readonly [K in keyof TransactItem]: WithoutTable<TransactItem[K]> };

/** Thrown when others kept writing the same items through every attempt. */
export class DirectoryUnavailable extends Error {
  override readonly name = 'DirectoryUnavailable';
}

/**
 * Writes all of the items or none. False when a condition does not hold; conflicts with other writers are tried
 * again, within `MAX_ATTEMPTS`.
 */
export function writeTogether(client: DynamoDBDocumentClient, table: string) {
  return async (writes: readonly Write[]): Promise<boolean> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        await client.send(
          new TransactWriteCommand({ TransactItems: writes.map((write) => inTable(write, table)) }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
        if (reasons.includes('ConditionalCheckFailed')) return false;
        if (!reasons.some((reason) => TRANSIENT.has(reason))) throw error;
        await new Promise((resolve) =>
          setTimeout(resolve, FIRST_BACKOFF_MS * 2 ** attempt * (0.5 + Math.random())),
        );
      }
    }
    throw new DirectoryUnavailable(`a write met other writers ${MAX_ATTEMPTS} times`);
  };
}

/** `SET` of these fields, as names and values. */
export function updateOf(fields: Readonly<Record<string, unknown>>) {
  const names = Object.keys(fields);
  return {
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, fields[name]])),
  };
}

const inTable = (write: Write, table: string): TransactItem => ({
  ...(write.Put && { Put: { ...write.Put, TableName: table } }),
  ...(write.Update && { Update: { ...write.Update, TableName: table } }),
  ...(write.Delete && { Delete: { ...write.Delete, TableName: table } }),
  ...(write.ConditionCheck && { ConditionCheck: { ...write.ConditionCheck, TableName: table } }),
});
