import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { foldPeriod } from './foldPeriod.ts';
import { makeLineSum } from './lines.ts';
import { monthOf, nextMonthMs, type Period, slotStart } from './periods.ts';
import type { KeptSeal, Sha256Hex, StatementBook } from './ports.ts';
import type { Seal, SignedSeal, Statement } from './types.ts';

export type ReadStatementDeps = { readonly book: StatementBook; readonly sha256: Sha256Hex };

/**
 * One month of a tenant's book: the seals that begin in it, and while it is not sealed to its end, what the book
 * holds beyond them. Opening + Σ lines = closing, exactly.
 */
export async function readStatement(
  deps: ReadStatementDeps,
  tenantId: TenantId,
  month: Period,
): Promise<Statement> {
  const name = monthOf(month.fromMs);
  // In this order, so that a seal that is added meanwhile is seen in the month or not at all.
  const newest = await deps.book.lastSeal(tenantId);
  const kept = await deps.book.sealsOfMonth(tenantId, name);
  const last = kept.at(-1) ?? newest;
  const isIssued = last !== undefined && Date.parse(last.seal.to) >= month.toMs;
  const open = isIssued ? undefined : await foldOpenPart(deps, tenantId, month, last?.seal);
  const parts = [...kept.map(({ seal }) => seal), ...(open === undefined ? [] : [open])];
  const sum = makeLineSum();
  for (const { lines } of parts) for (const line of lines) sum.add(line);
  return {
    tenantId,
    month: name,
    status: isIssued ? 'issued' : 'open',
    openingMicro: parts[0]?.openingMicro ?? ZERO,
    closingMicro: parts.at(-1)?.closingMicro ?? ZERO,
    lines: sum.lines(),
    seals: kept.map(withoutHints),
  };
}

const withoutHints = ({ seal, keyId, signature }: KeptSeal): SignedSeal => ({ seal, keyId, signature });

/** Folds what no seal holds yet, month by month up to the end of this one. */
async function foldOpenPart(
  deps: ReadStatementDeps,
  tenantId: TenantId,
  month: Period,
  last: Seal | undefined,
): Promise<Seal | undefined> {
  const account = await deps.book.readAccount(tenantId);
  const firstMs = last === undefined ? await deps.book.firstEntryMs(tenantId) : undefined;
  const beginMs = last === undefined ? firstMs && slotStart(firstMs) : Date.parse(last.to);
  if (account === undefined || beginMs === undefined) return undefined;
  let previous = last;
  let open: Seal | undefined;
  for (let fromMs = beginMs; fromMs < month.toMs; fromMs = nextMonthMs(fromMs)) {
    const period = { fromMs, toMs: nextMonthMs(fromMs) };
    open = (await foldPeriod(deps, { account, previous, period })).seal;
    previous = open;
  }
  return open;
}
