import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { readBodyOnce } from '#api/edge/readBodyOnce.ts';
import type { ApiRequest } from '#api/http.ts';
import { refuse, respond } from '#api/http.ts';
import { checkLines, createDraft, replaceDraft } from '#core/pricing/bookDrafts.ts';
import type { KeptBook } from '#core/pricing/ports.ts';
import { BookLines, bookId, utcTime } from '#core/pricing/priceBooksFile.ts';
import { publishBook } from '#core/pricing/publishBook.ts';
import { withdrawBook } from '#core/pricing/withdrawBook.ts';
import type { ControlDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, listBody, pageFields, pageOf, reasonField } from './fields.ts';
import { bookRefusal, PRICE_BOOK_NOT_FOUND } from './priceBookRefusals.ts';
import { type LintAsked, LintField, warningsOf } from './priceBookWarnings.ts';

const reason = z.optional(reasonField);
const NewBook = z.strictObject({ id: bookId, ...BookLines.shape, lint: LintField, reason });

/** `POST /admin/price-books {id, prices | experiment, reason?}` → 201 with a draft of the book's next version. */
export const createPriceBook: RouteHandler = async (deps, request) => {
  const body = readBodyOnce(request, NewBook);
  if (!body.ok) return refuse(body.error);
  const { id, reason: why, lint, ...lines } = body.value;
  const draft = await createDraft(bookDeps(deps), { id, lines, act: actOf(request, why) });
  return draft.ok ? respond(201, await wholeBody(deps, draft.value, lint)) : refuse(bookRefusal(draft.error));
};

const ChangedBook = z.strictObject({ ...BookLines.shape, lint: LintField, reason });

/** `PUT /admin/price-books/{book}/versions/{version} {prices | experiment, reason?}` → the draft as it is now. */
export const replacePriceBook: RouteHandler = async (deps, request) => {
  const body = readBodyOnce(request, ChangedBook);
  if (!body.ok) return refuse(body.error);
  const named = namedIn(request);
  if (named === undefined) return refuse(PRICE_BOOK_NOT_FOUND);
  const { reason: why, lint, ...lines } = body.value;
  const draft = await replaceDraft(bookDeps(deps), { ...named, lines, act: actOf(request, why) });
  return draft.ok ? respond(200, await wholeBody(deps, draft.value, lint)) : refuse(bookRefusal(draft.error));
};

const Publication = z.strictObject({ effective_from: z.optional(utcTime), lint: LintField, reason });

/** `POST …/versions/{version}/publish {effective_from?, reason?}` → the book, which nothing changes any more. */
export const publishPriceBook: RouteHandler = async (deps, request) => {
  const body = readBodyOnce(request, Publication);
  if (!body.ok) return refuse(body.error);
  const named = namedIn(request);
  if (named === undefined) return refuse(PRICE_BOOK_NOT_FOUND);
  const { effective_from: from, reason: why, lint } = body.value;
  const published = await publishBook(bookDeps(deps), {
    ...named,
    effectiveFromMs: from === undefined ? undefined : Date.parse(from),
    act: actOf(request, why),
  });
  if (!published.ok) return refuse(bookRefusal(published.error));
  return respond(200, await wholeBody(deps, published.value, lint));
};

const Withdrawal = z.strictObject({ reason });

/** `POST …/versions/{version}/withdraw {reason?}` → the draft that a version becomes which is not in force yet. */
export const withdrawPriceBook: RouteHandler = async (deps, request) => {
  const body = readBodyOnce(request, Withdrawal);
  if (!body.ok) return refuse(body.error);
  const named = namedIn(request);
  if (named === undefined) return refuse(PRICE_BOOK_NOT_FOUND);
  const act = actOf(request, body.value.reason);
  const withdrawn = await withdrawBook(bookDeps(deps), { ...named, act });
  if (!withdrawn.ok) return refuse(bookRefusal(withdrawn.error));
  return respond(200, await wholeBody(deps, withdrawn.value));
};

const Linted = z.strictObject({
  id: z.optional(bookId),
  effective_from: z.optional(utcTime),
  ...BookLines.shape,
  lint: LintField,
});

/** `POST /admin/price-books/lint {id?, effective_from?, prices | experiment, lint?}` → warnings; nothing is kept. */
export const lintPriceBook: RouteHandler = async (deps, request) => {
  const body = readBodyOnce(request, Linted);
  if (!body.ok) return refuse(body.error);
  const { id = 'unnamed', effective_from: from, lint, ...lines } = body.value;
  const sound = await checkLines(deps.priceBooks, lines);
  if (!sound.ok) return refuse(bookRefusal(sound.error));
  const effectiveFromMs = from === undefined ? null : Date.parse(from);
  const book = { id, version: Number.MAX_SAFE_INTEGER, lines, effectiveFromMs, changedAtMs: 0 };
  return respond(200, { object: 'price_book_lint', warnings: await warningsOf(deps, book, lint) });
};

/** `GET /admin/price-books/{book}/versions/{version}` → what it says, and what the linter says of it. */
export const retrievePriceBook: RouteHandler = async (deps, request) => {
  const named = namedIn(request);
  if (named === undefined) return refuse(PRICE_BOOK_NOT_FOUND);
  const books = await everyBook(deps);
  const found = books.find(({ id, version }) => id === named.id && version === named.version);
  return found === undefined ? refuse(PRICE_BOOK_NOT_FOUND) : respond(200, await wholeBody(deps, found));
};

const BooksQuery = z.strictObject({ ...pageFields, book: z.optional(bookId) });

/** `GET /admin/price-books?book=&limit=&cursor=` → every version, by book and version, without its prices. */
export const listPriceBooks: RouteHandler = async (deps, request) => {
  const query = readQuery(request, BooksQuery);
  if (!query.ok) return refuse(query.error);
  const { limit, cursor = '' } = pageOf(query.value);
  const books = await everyBook(deps);
  const after = books
    .filter((book) => query.value.book === undefined || book.id === query.value.book)
    .filter((book) => placeOf(book) > cursor);
  const page = after.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = after.length > page.length && last !== undefined ? placeOf(last) : null;
  return respond(
    200,
    listBody(
      page.map((book) => nameBody(deps, book, books)),
      nextCursor,
    ),
  );
};

const bookDeps = ({ world, priceBooks: { store, source } }: ControlDeps) => ({ world, store, source });

/** Texts that sort as books and versions do. */
const placeOf = ({ id, version }: Pick<KeptBook, 'id' | 'version'>): string =>
  `${id}#${String(version).padStart(9, '0')}`;

/** What was written here and what came with the deployment, as far as nothing here is in its place. */
async function everyBook({ priceBooks }: ControlDeps): Promise<readonly KeptBook[]> {
  const kept = await priceBooks.store.list();
  const places = new Set(kept.filter(({ effectiveFromMs }) => effectiveFromMs !== null).map(placeOf));
  const seeds = priceBooks.seeds.filter((seed) => !places.has(placeOf(seed)));
  return [...kept, ...seeds].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

const VERSION = /^[1-9]\d{0,8}$/;

function namedIn({ params }: ApiRequest): Pick<KeptBook, 'id' | 'version'> | undefined {
  const { book = '', version = '' } = params;
  return VERSION.test(version) ? { id: book, version: Number(version) } : undefined;
}

/** A draft, published for later, in force for new calls, or replaced by a later version. */
function statusOf({ id, version, effectiveFromMs }: KeptBook, books: readonly KeptBook[], nowMs: number) {
  if (effectiveFromMs === null) return 'draft';
  if (effectiveFromMs > nowMs) return 'scheduled';
  const isReplaced = books.some(
    (other) =>
      other.id === id &&
      other.effectiveFromMs !== null &&
      other.effectiveFromMs <= nowMs &&
      (other.effectiveFromMs > effectiveFromMs ||
        (other.effectiveFromMs === effectiveFromMs && other.version > version)),
  );
  return isReplaced ? 'replaced' : 'in_force';
}

function nameBody({ world, priceBooks }: ControlDeps, book: KeptBook, books: readonly KeptBook[]) {
  const isSeed = priceBooks.seeds.includes(book);
  return {
    object: 'price_book',
    id: book.id,
    version: book.version,
    status: statusOf(book, books, world.clock()),
    effective_from: book.effectiveFromMs === null ? null : new Date(book.effectiveFromMs).toISOString(),
    origin: isSeed ? 'deployment' : 'api',
    kind: book.lines.experiment === undefined ? 'prices' : 'experiment',
  };
}

async function wholeBody(deps: ControlDeps, book: KeptBook, lint?: LintAsked) {
  const books = await everyBook(deps);
  return {
    ...nameBody(deps, book, books),
    ...book.lines,
    warnings: await warningsOf(deps, book, lint),
  };
}
