import type { UsageEvent } from '#core/metering/types.ts';
import type { HoldId, TenantId, UsageEventId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { type FileCursor, readFilePage } from '#core/statements/fileLines.ts';
import { parseMonth } from '#core/statements/periods.ts';
import type { StatementBook } from '#core/statements/ports.ts';
import { sealBook } from '#core/statements/sealBooks.ts';
import { verifyStatement } from '#core/statements/verifyStatement.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeStatementBook } from '#io/dynamodb/statementBook.ts';
import { makeSealKey, sealKeyId, verifySealSignature } from '#io/sealCrypto.ts';
import type { TestDatabase } from './database.ts';
import { aCharge, aGrant, aHold, testId } from './ledger.ts';

export const SEAL_KEY = makeSealKey('the-seal-key-of-this-test');
export const signer = {
  sign: async (text: string) => ({ keyId: SEAL_KEY.id, signature: SEAL_KEY.sign(text) }),
};
export const { sha256Hex: sha256 } = nodeCrypto;

/** Small, so that pages end within seals. */
const RECEIPTS_A_PAGE = 4;
/** The key before and after a rotation, and one that signed nothing here. */
export const NEXT_SEAL_KEY = makeSealKey('the-seal-key-after-its-rotation');
const keys = {
  list: async () =>
    [SEAL_KEY, NEXT_SEAL_KEY, makeSealKey('of another month')].map(({ id, publicKey }) => ({
      id,
      publicKey,
    })),
};

/** Books on a real database, which calls are settled into and which are sealed at any moment. */
export function makeBooks(database: TestDatabase) {
  const tableName = `${database.prefix}ledger`;
  const ledger = makeLedgerStore(database.client, tableName);
  const book = makeStatementBook(database.client, tableName);

  const open = async (body: string, grantedAtMs: number): Promise<TenantId> => {
    const tenantId = testId<TenantId>('tenant', body);
    await ledger.openAccount(tenantId, micro(0));
    const amountMicro = micro(10_000_000);
    await ledger.grant(aGrant(tenantId, body, { nowMs: grantedAtMs, amountMicro }));
    return tenantId;
  };

  /** Calls that began at these moments, held and settled together. */
  const settle = async (
    tenantId: TenantId,
    body: string,
    calls: readonly (readonly [amount: number, startedAtMs: number, over?: Partial<UsageEvent>])[],
  ) => {
    const charges = calls.map(([amount, startedAtMs, over], n) => {
      const name = `${body}-${n}`;
      const ids = { id: testId<UsageEventId>('usageEvent', name), holdId: testId<HoldId>('hold', name) };
      return aCharge(tenantId, name, amount, { ...ids, startedAtMs, ...over });
    });
    for (const { event, amountMicro } of charges) {
      const { holdId, startedAtMs } = event;
      const hold = { holdId, amountMicro, nowMs: startedAtMs, expiresAtMs: startedAtMs + 1e9 };
      await ledger.placeHold(aHold(tenantId, body, hold));
    }
    await ledger.settle(tenantId, charges);
  };

  const seal = (
    tenantId: TenantId,
    nowMs: number,
    over: { readonly book?: StatementBook; readonly signer?: typeof signer } = {},
  ) => sealBook({ book, signer, sha256, clock: () => nowMs, ...over }, tenantId);
  const sealNow = (tenantId: TenantId, nowMs: number) =>
    sealBook({ book, signer, sha256, clock: () => nowMs }, tenantId, 'now');

  /** The statement file of a month, as the command writes it, page by page; `between` happens after each page. */
  const file = async (
    tenantId: TenantId,
    month: string,
    between: () => Promise<unknown> = async () => undefined,
  ): Promise<string> => {
    const period = parseMonth(month);
    if (period === undefined) throw new Error(`not a month: ${month}`);
    let text = '';
    let after: FileCursor | undefined;
    do {
      const page = { limit: RECEIPTS_A_PAGE, ...(after === undefined ? {} : { after }) };
      const { lines, next } = await readFilePage({ book, keys, sha256 }, tenantId, period, page);
      for (const line of lines) text += `${line}\n`;
      after = next ?? undefined;
      await between();
    } while (after !== undefined);
    return text;
  };
  return { ledger, book, open, settle, seal, sealNow, file };
}

/** Verifies a file's text as the command does, one line at a time. */
export const verify = (text: string, nowMs: number, trusted: readonly string[] = [SEAL_KEY.publicKey]) =>
  verifyStatement(linesOf(text), {
    sha256,
    verifySignature: verifySealSignature,
    keyIdOf: sealKeyId,
    nowMs,
    trusted,
  });

async function* linesOf(text: string) {
  const lines = text.split('\n');
  const last = lines.pop();
  yield* lines;
  if (last !== '') yield `${last}\r`; // a last line without its end is not the line that was written
}
