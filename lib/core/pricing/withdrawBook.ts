import { err, ok, type Result } from '#core/shared/result.ts';
import type { Act } from '#core/tenants/tenancy.ts';
import { type BookDeps, type BookRefused, MAX_ATTEMPTS, recordOf, whyNoDraft } from './bookDrafts.ts';
import { mistakeInArms } from './findMistake.ts';
import { NOTICE_MS } from './notice.ts';
import type { KeptBook } from './ports.ts';
import type { PriceBook } from './types.ts';

/** `too_late`: it is in force, or so near to it that a warm function may price by it. `price_book_needed`: `by` is the experiment that sends tenants to it. */
export type WithdrawRefused =
  | BookRefused
  | { readonly code: 'too_late' }
  | { readonly code: 'price_book_needed'; readonly by: string };

type Wanted = Pick<KeptBook, 'id' | 'version'> & { readonly act: Act };

/**
 * Makes a draft again of a version that is published and not in force yet. No call was ever priced by it, and none will
 * be: it must lie `NOTICE_MS` ahead, by which time every function has read the books without it. A draft stays as it is,
 * so that a repeat changes nothing. Errors: price_book_not_found; price_book_published, of one that came with the
 * deployment; too_late; price_book_needed.
 */
export async function withdrawBook(
  deps: BookDeps,
  wanted: Wanted,
): Promise<Result<KeptBook, WithdrawRefused>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // The revision comes first: an experiment that is published after it is seen by it.
    const revision = await deps.store.revision();
    const [book, published] = await Promise.all([
      deps.store.read(wanted.id, wanted.version),
      deps.source.newest(),
    ]);
    if (book === undefined) return err(await whyNoDraft(deps, wanted));
    const { effectiveFromMs } = book;
    if (effectiveFromMs === null) return ok(book);
    const nowMs = deps.world.clock();
    if (effectiveFromMs < nowMs + NOTICE_MS) return err({ code: 'too_late' });
    const by = userOf(published, wanted);
    if (by !== undefined) return err({ code: 'price_book_needed', by: `${by.id} version ${by.version}` });
    const draft: KeptBook = { ...book, effectiveFromMs: null, changedAtMs: nowMs };
    const audit = recordOf(deps, wanted.act, 'price_book.withdraw', book);
    if (await deps.store.withdraw({ draft, effectiveFromMs, revision }, audit)) return ok(draft);
  }
  return err({ code: 'price_books_changed' });
}

/** The experiment whose arm would have no prices when it begins. */
function userOf(
  published: readonly PriceBook[],
  { id, version }: Pick<KeptBook, 'id' | 'version'>,
): PriceBook | undefined {
  const others = published.filter((book) => book.id !== id || book.version !== version);
  return others.find(
    ({ experiment, effectiveFromMs }) =>
      experiment?.arms.some(({ book }) => book === id) === true &&
      mistakeInArms({ experiment }, { path: '', others, from: effectiveFromMs }) !== undefined,
  );
}
