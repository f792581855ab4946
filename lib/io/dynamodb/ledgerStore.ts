import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import { makeHoldStore } from './holdStore.ts';
import { openAccount, setStatus, stopKey } from './ledgerAccounts.ts';
import { clawBack, debit, freeze, grant, readGrant, release } from './ledgerApply.ts';
import { expire } from './ledgerExpire.ts';
import { setLimits, slowKey } from './ledgerLimits.ts';
import { type Patience, systemPatience, withRetries } from './ledgerRetry.ts';
import { settle } from './ledgerSettle.ts';
import { type LedgerTable, readAccount } from './ledgerTable.ts';
import { archiveDue, clearArchiveDue, entriesOfHour, listEntries, listRollups } from './ledgerUsage.ts';

/** The credit ledger in its DynamoDB table. Keys and write patterns: lib/core/ledger/README.md. */
export function makeLedgerStore(
  client: DynamoDBDocumentClient,
  tableName: string,
  patience: Patience = systemPatience,
): Ledger & UsageBook {
  const table: LedgerTable = { client, name: tableName, patience };
  const patiently = <T>(read: () => Promise<T>): Promise<T> => withRetries(patience, read);
  return {
    openAccount: (tenantId, overdraft) => openAccount(table, tenantId, overdraft),
    readAccount: (tenantId) => readAccount(table, tenantId),
    setStatus: (tenantId, status) => setStatus(table, tenantId, status),
    stopKey: (tenantId, keyId, fromMs) => stopKey(table, tenantId, keyId, fromMs),
    ...makeHoldStore(client, tableName, patience),
    setLimits: (tenantId, change) => setLimits(table, tenantId, change),
    slowKey: (tenantId, slowed) => slowKey(table, tenantId, slowed),
    settle: (tenantId, charges) => settle(table, tenantId, charges),
    grant: (input) => grant(table, input),
    debit: (input) => debit(table, input),
    clawBack: (input) => clawBack(table, input),
    freeze: (input) => freeze(table, input),
    release: (input) => release(table, input),
    expire: (tenantId, nowMs) => expire(table, tenantId, nowMs),
    readGrant: (tenantId, grantId) => readGrant(table, tenantId, grantId),
    listEntries: (tenantId, page) => patiently(() => listEntries(table, tenantId, page)),
    listRollups: (tenantId, fromDay, toDay) => listRollups(table, tenantId, fromDay, toDay),
    archiveDue: (tenantId) => patiently(() => archiveDue(table, tenantId)),
    entriesOfHour: (tenantId, hour) => entriesOfHour(table, tenantId, hour),
    clearArchiveDue: (tenantId, due) => clearArchiveDue(table, tenantId, due),
  };
}
