import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Ledger } from '#core/ledger/ports.ts';
import { expire } from './ledgerExpire.ts';
import { endCall, voidHold } from './ledgerHoldEnds.ts';
import { placeHold } from './ledgerHolds.ts';
import { type Patience, systemPatience } from './ledgerRetry.ts';
import type { LedgerTable } from './ledgerTable.ts';
import { makeKnownLimits } from './limitWrites.ts';

/** The part of the ledger that calls need, without the rest: the chat function's bundle stays small. */
export function makeHoldStore(
  client: DynamoDBDocumentClient,
  tableName: string,
  patience: Patience = systemPatience,
): Pick<Ledger, 'placeHold' | 'voidHold' | 'endCall'> {
  const table: LedgerTable = { client, name: tableName, patience };
  const known = makeKnownLimits();
  return {
    placeHold: (hold) => placeHold(table, known, hold, () => expire(table, hold.tenantId, hold.nowMs)),
    voidHold: (tenantId, holdId) => voidHold(table, tenantId, holdId),
    endCall: (tenantId, holdId) => endCall(table, tenantId, holdId),
  };
}
