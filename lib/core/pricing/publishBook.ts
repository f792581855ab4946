import { err, ok, type Result } from '#core/shared/result.ts';
import type { Act } from '#core/tenants/tenancy.ts';
import {
  type BookDeps,
  type BookRefused,
  invalidBook,
  MAX_ATTEMPTS,
  recordOf,
  whyNoDraft,
} from './bookDrafts.ts';
import { mistakeInArms } from './findMistake.ts';
import { NOTICE_MS } from './notice.ts';
import type { KeptBook } from './ports.ts';
import type { PriceBook } from './types.ts';

export type PublishRefused = BookRefused | { readonly code: 'too_soon'; readonly earliestMs: number };

type Wanted = {
  readonly id: string;
  readonly version: number;
  /** Undefined: as soon as may be. */
  readonly effectiveFromMs: number | undefined;
  readonly act: Act;
};

/**
 * Publishes a draft: from then on it stays as it is, and from `effectiveFromMs` on calls are priced by it. That moment
 * must lie `NOTICE_MS` ahead, so that every warm function knows the book by then. Publishing again for the same moment
 * changes nothing. Errors: price_book_not_found; price_book_published for another moment; too_soon;
 * invalid_price_book for an experiment whose arms have no prices by then.
 */
export async function publishBook(deps: BookDeps, wanted: Wanted): Promise<Result<KeptBook, PublishRefused>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // The revision comes first: what is published after it is refused by it.
    const revision = await deps.store.revision();
    const [draft, published] = await Promise.all([
      deps.store.read(wanted.id, wanted.version),
      deps.source.newest(),
    ]);
    if (draft === undefined) return err(await whyNoDraft(deps, wanted));
    if (draft.effectiveFromMs !== null) return again(draft, wanted);
    const nowMs = deps.world.clock();
    const effectiveFromMs = wanted.effectiveFromMs ?? nextSecond(nowMs + NOTICE_MS);
    if (effectiveFromMs < nowMs + NOTICE_MS)
      return err({ code: 'too_soon', earliestMs: nextSecond(nowMs + NOTICE_MS) });
    const mistake = mistakeAmong(published, draft, effectiveFromMs);
    if (mistake !== undefined) return invalidBook(mistake);
    const book: KeptBook = { ...draft, effectiveFromMs, changedAtMs: nowMs };
    const audit = recordOf(deps, wanted.act, 'price_book.publish', book);
    if (await deps.store.publish({ draft, effectiveFromMs, nowMs, revision }, audit)) return ok(book);
  }
  return err({ code: 'price_books_changed' });
}

const nextSecond = (ms: number): number => Math.ceil(ms / 1_000) * 1_000;

const again = (book: KeptBook, { effectiveFromMs }: Wanted): Result<KeptBook, PublishRefused> =>
  effectiveFromMs === undefined || effectiveFromMs === book.effectiveFromMs
    ? ok(book)
    : err({ code: 'price_book_published' });

function mistakeAmong(
  published: readonly PriceBook[],
  { id, lines }: KeptBook,
  effectiveFromMs: number,
): string | undefined {
  const user = published.find(({ experiment }) => experiment?.arms.some(({ book }) => book === id));
  if (lines.experiment !== undefined && user !== undefined)
    return `experiment cannot be the book ${id}: it is an arm of ${user.id} version ${user.version}, so give it prices`;
  return mistakeInArms(lines, { path: '', others: published, from: effectiveFromMs });
}
