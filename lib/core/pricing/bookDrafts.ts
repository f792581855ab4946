import { err, ok, type Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import { mistakeInArms, mistakeInLines } from './findMistake.ts';
import type { KeptBook, PriceBookSource, PriceBookStore } from './ports.ts';
import type { BookLines } from './priceBooksFile.ts';

/** What the agency's work on its books goes through. */
export type BookDeps = {
  readonly world: World;
  readonly store: PriceBookStore;
  readonly source: PriceBookSource;
};

/** `invalid_price_book`: `message` begins with the place of the mistake (`path`) and says the mend. */
export type BookRefused =
  | { readonly code: 'invalid_price_book'; readonly path: string; readonly message: string }
  | { readonly code: 'price_book_not_found' }
  | { readonly code: 'price_book_published' }
  | { readonly code: 'too_many_price_books' }
  | { readonly code: 'price_books_changed' };

/** Drafts and published versions together: all of them are read as one list. */
export const MAX_KEPT_BOOKS = 1_000;
/** Of a version as JSON; what one item of the database holds is far more. */
const MAX_LINES_CHARS = 100_000;
/** How often an attempt that met another writer is made. */
export const MAX_ATTEMPTS = 5;

/** Keeps lines as the draft of the next version of a book. Nothing is priced by it until it is published. */
export async function createDraft(
  deps: BookDeps,
  { id, lines, act }: { readonly id: string; readonly lines: BookLines; readonly act: Act },
): Promise<Result<KeptBook, BookRefused>> {
  const sound = await checkLines(deps, lines);
  if (!sound.ok) return sound;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const [kept, published] = await Promise.all([deps.store.list(), deps.source.newest()]);
    if (kept.length >= MAX_KEPT_BOOKS) return err({ code: 'too_many_price_books' });
    const versions = [...kept, ...published].filter((book) => book.id === id).map(({ version }) => version);
    const draft = draftOf(deps, { id, version: Math.max(0, ...versions) + 1, lines });
    if (await deps.store.createDraft(draft, recordOf(deps, act, 'price_book.draft', draft))) return ok(draft);
  }
  return err({ code: 'price_books_changed' });
}

/** Puts other lines into a draft. What is published cannot be changed any more. */
export async function replaceDraft(
  deps: BookDeps,
  { id, version, lines, act }: Pick<KeptBook, 'id' | 'version' | 'lines'> & { readonly act: Act },
): Promise<Result<KeptBook, BookRefused>> {
  const sound = await checkLines(deps, lines);
  if (!sound.ok) return sound;
  const draft = draftOf(deps, { id, version, lines });
  const replaced = await deps.store.replaceDraft(draft, recordOf(deps, act, 'price_book.change', draft));
  return replaced ? ok(draft) : err(await whyNoDraft(deps, { id, version }));
}

/** Whether a version that is no draft is published or not there. */
export async function whyNoDraft(
  { source }: BookDeps,
  { id, version }: Pick<KeptBook, 'id' | 'version'>,
): Promise<BookRefused> {
  const published = await source.newest();
  const isPublished = published.some((book) => book.id === id && book.version === version);
  return { code: isPublished ? 'price_book_published' : 'price_book_not_found' };
}

export const recordOf = (deps: BookDeps, act: Act, action: string, book: KeptBook) =>
  auditRecord(deps.world, act, {
    action,
    tenantId: null,
    details: {
      priceBook: book.id,
      version: book.version,
      effectiveFrom: book.effectiveFromMs === null ? null : new Date(book.effectiveFromMs).toISOString(),
    },
  });

const draftOf = ({ world }: BookDeps, given: Pick<KeptBook, 'id' | 'version' | 'lines'>): KeptBook => ({
  ...given,
  effectiveFromMs: null,
  changedAtMs: world.clock(),
});

/** Refuses lines that no version may have. */
export async function checkLines(
  { source }: Pick<BookDeps, 'source'>,
  lines: BookLines,
): Promise<Result<null, BookRefused>> {
  if (JSON.stringify(lines).length > MAX_LINES_CHARS) {
    const message = `must have at most ${MAX_LINES_CHARS} characters as JSON: make two books of it`;
    return err({ code: 'invalid_price_book', path: '', message: `the book ${message}` });
  }
  const mistake =
    mistakeInLines(lines, '') ??
    mistakeInArms(lines, { path: '', others: await source.newest(), from: null });
  return mistake === undefined ? ok(null) : invalidBook(mistake);
}

/** A mistake's text begins with its place, or with "the book". */
export function invalidBook(message: string) {
  const [place = ''] = message.split(' ');
  return err({ code: 'invalid_price_book' as const, path: place === 'the' ? '' : place, message });
}
