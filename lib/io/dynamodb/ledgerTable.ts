import {
  type DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Account } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { isConditionFailed, type Patience, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toAccount } from './ledgerRows.ts';
import type { WriteItem } from './ledgerWrites.ts';

/** The ledger's table and how to reach it: what each part of the store is made with. */
export type LedgerTable = {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
  readonly patience: Patience;
};

export async function readRow(
  table: LedgerTable,
  tenantId: TenantId,
  sk: string,
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await table.client.send(
    new GetCommand({
      TableName: table.name,
      Key: { pk: ledgerKeys.partition(tenantId), sk },
      ConsistentRead: true,
    }),
  );
  return Item;
}

export async function readAccountItem(table: LedgerTable, tenantId: TenantId): Promise<Account | undefined> {
  const item = await readRow(table, tenantId, ledgerKeys.account);
  return item === undefined ? undefined : toAccount(item);
}

/** Reads the account with the patience that an attempt of `withRetries` has from outside. */
export const readAccount = (table: LedgerTable, tenantId: TenantId): Promise<Account | undefined> =>
  withRetries(table.patience, () => readAccountItem(table, tenantId));

/** All of the items or none. Throws `TransactionCanceledException` with a reason for each. */
export async function writeTogether(table: LedgerTable, items: readonly WriteItem[]): Promise<void> {
  await table.client.send(new TransactWriteCommand({ TransactItems: [...items] }));
}

/** Writes to the account's item; false when the condition refused it. */
export async function updateAccountItem(
  table: LedgerTable,
  tenantId: TenantId,
  write: Omit<UpdateCommandInput, 'TableName' | 'Key'>,
): Promise<boolean> {
  return withRetries(table.patience, async () => {
    try {
      await table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: { pk: ledgerKeys.partition(tenantId), sk: ledgerKeys.account },
          ...write,
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  });
}
