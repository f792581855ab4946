import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Ledger } from '#core/ledger/ports.ts';
import { expire } from './ledgerExpire.ts';
import { placeHold, voidHold } from './ledgerHolds.ts';
import { type Patience, systemPatience } from './ledgerRetry.ts';
import type { LedgerTable } from './ledgerTable.ts';

/** The part of the ledger that calls need, without the rest: the chat function's bundle stays small. */
export function makeHoldStore(
  client: DynamoDBDocumentClient,
  tableName: string,
  patience: Patience = systemPatience,
): Pick<Ledger, 'placeHold' | 'voidHold'> {
  const table: LedgerTable = { client, name: tableName, patience };
  return {
    placeHold: (hold) => placeHold(table, hold, () => expire(table, hold.tenantId, hold.nowMs)),
    voidHold: (tenantId, holdId) => voidHold(table, tenantId, holdId),
  };
}
