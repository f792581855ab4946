import type { Account } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { addMicro } from '#core/shared/money.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { type FoldedPeriod, foldPeriod } from './foldPeriod.ts';
import { endsDay, nextPeriod, type Period, periodUntilNow, slotStart } from './periods.ts';
import type { SealSigner, Sha256Hex, StatementBook } from './ports.ts';
import { sealText } from './sealText.ts';
import type { Seal } from './types.ts';

export type SealBooksDeps = {
  readonly book: StatementBook;
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly signer: SealSigner;
  readonly sha256: Sha256Hex;
  readonly clock: Clock;
};

/** `failed` leaves everything as it was; the next run tries again. */
export type SealedBook = { readonly tenantId: TenantId } & (
  | { readonly outcome: 'sealed'; readonly seals: number }
  | { readonly outcome: 'failed'; readonly cause: unknown }
);

const TENANTS_A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
const TENANTS_AT_ONCE = 8;
/** A book that is further behind is caught up by the next runs. */
const MAX_SEALS_A_RUN = 100;

/** Seals every tenant's book up to where it is settled. One tenant's failure leaves the others alone. */
export async function sealBooks(deps: SealBooksDeps): Promise<readonly SealedBook[]> {
  const sealed: SealedBook[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await deps.directory.listTenants({
      limit: TENANTS_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
      const group = tenants.slice(from, from + TENANTS_AT_ONCE);
      sealed.push(...(await Promise.all(group.map(({ id }) => tryToSeal(deps, id)))));
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return sealed;
}

async function tryToSeal(deps: SealBooksDeps, tenantId: TenantId): Promise<SealedBook> {
  try {
    return { tenantId, outcome: 'sealed', seals: await sealBook(deps, tenantId) };
  } catch (cause) {
    return { tenantId, outcome: 'failed', cause };
  }
}

/**
 * Seals one book, stretch by stretch, and says how many seals it added. A seal is one conditional write of something
 * that follows from the book alone: a crash leaves it undone, and of two runs at once one finds it done and stops.
 * `settled` leaves what may still be settled to a later run; `now` waits for nothing, and what comes later is late.
 */
export async function sealBook(
  deps: Omit<SealBooksDeps, 'directory'>,
  tenantId: TenantId,
  upTo: 'settled' | 'now' = 'settled',
): Promise<number> {
  const nowMs = deps.clock();
  const next = upTo === 'now' ? periodUntilNow : nextPeriod;
  let previous = (await deps.book.lastSeal(tenantId))?.seal;
  let fromMs = previous === undefined ? await firstSlot(deps.book, tenantId) : Date.parse(previous.to);
  for (let seals = 0; seals < MAX_SEALS_A_RUN; seals += 1) {
    const period = fromMs === undefined ? undefined : next(fromMs, nowMs);
    if (period === undefined) return seals;
    const folded = await foldExactly(deps, tenantId, previous, period);
    if (folded.seal.receipts === 0 && !endsDay(period)) return seals;
    const signed = await deps.signer.sign(sealText(folded.seal));
    if ((await deps.book.addSeal({ ...folded, ...signed })) === 'already_sealed') return seals;
    previous = folded.seal;
    fromMs = period.toMs;
  }
  return MAX_SEALS_A_RUN;
}

async function firstSlot(book: StatementBook, tenantId: TenantId): Promise<number | undefined> {
  const firstMs = await book.firstEntryMs(tenantId);
  return firstMs === undefined ? undefined : slotStart(firstMs);
}

/** Folds a period, and lets nothing be sealed that does not add up with the account to the last micro-credit. */
async function foldExactly(
  deps: Pick<SealBooksDeps, 'book' | 'sha256'>,
  tenantId: TenantId,
  previous: Seal | undefined,
  period: Period,
): Promise<FoldedPeriod> {
  // The account comes first: every entry up to its version is in the book by now.
  const account = await deps.book.readAccount(tenantId);
  if (account === undefined) throw new Error(`the book of ${tenantId} has no account`);
  const folded = await foldPeriod(deps, { account, previous, period });
  if (await addsUp(deps.book, account, folded.seal)) return folded;
  const again = await foldPeriod(deps, { account, previous, period, everywhere: true });
  if (await addsUp(deps.book, account, again.seal)) return again;
  throw new Error(`the book of ${tenantId} does not add up with its account at ${again.seal.to}`);
}

/** Whether the closing balance and all entries after it make the account's balance. */
async function addsUp(
  book: StatementBook,
  { tenantId, version, availableMicro, heldMicro }: Account,
  seal: Seal,
): Promise<boolean> {
  let balanceMicro = seal.closingMicro;
  const later = { fromMs: Date.parse(seal.to), toMs: Number.POSITIVE_INFINITY };
  for await (const { entry } of book.entries(tenantId, later)) {
    if (entry.accountVersion <= version) balanceMicro = addMicro(balanceMicro, entry.amountMicro);
  }
  return balanceMicro === addMicro(availableMicro, heldMicro);
}
