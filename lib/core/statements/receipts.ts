import type { Entry } from '#core/ledger/types.ts';
import { ZERO } from '#core/shared/money.ts';
import { canonicalJson } from './canonicalJson.ts';
import type { Sha256Hex } from './ports.ts';
import type { Receipt } from './types.ts';

/** Where the chain stands: the sequence and hash of its last receipt. */
export type ChainHead = { readonly sequence: number; readonly hash: string };

/** Where every tenant's chain begins. */
export const CHAIN_START: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

/** The receipt of an entry as the next link of a chain. Who of the agency acted is left out: a tenant reads it. */
export function nextReceipt(head: ChainHead, entry: Entry, sha256: Sha256Hex): Receipt {
  const { usage } = entry;
  const facts = {
    tenantId: entry.tenantId,
    sequence: head.sequence + 1,
    entryId: entry.id,
    kind: entry.kind,
    amountMicro: entry.amountMicro,
    at: new Date(entry.atMs).toISOString(),
    accountVersion: entry.accountVersion,
    source: { kind: entry.source.kind, id: entry.source.id },
    grantId: entry.grantId ?? null,
    reason: entry.reason ?? null,
    shortfallMicro: entry.shortfallMicro ?? ZERO,
    usage:
      usage === undefined
        ? null
        : {
            requestId: usage.requestId,
            keyId: usage.keyId,
            model: usage.model,
            adapter: usage.adapter,
            operation: usage.operation,
            status: usage.status,
            inputTokens: usage.inputTokens,
            outputTokens: usage.outputTokens,
            choices: usage.choices,
            computeMs: usage.computeMs,
            priceBook: { id: usage.priceBook.id, version: usage.priceBook.version },
          },
    previousHash: head.hash,
  };
  return { ...facts, hash: hashOf(facts, sha256) };
}

/** The hash that a receipt with these facts must carry. */
export const hashOf = (facts: Omit<Receipt, 'hash'>, sha256: Sha256Hex): string =>
  sha256(canonicalJson(facts));
