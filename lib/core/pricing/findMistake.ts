import { mistakeInMonthly } from './mistakeInMonthly.ts';
import type { BookLines, BookText, LineText, PartsText, WindowText } from './priceBooksFile.ts';
import { mistakeInPrice } from './priceText.ts';
import type { Experiment, PriceBook } from './types.ts';

/** The first mistake that no field shows by itself, as its place and the mend; undefined when there is none. */
export function findMistake(books: readonly BookText[]): string | undefined {
  const versions = new Set<string>();
  const others = books.map(({ id, effectiveFrom, experiment }) => ({
    id,
    effectiveFromMs: Date.parse(effectiveFrom),
    experiment,
  }));
  for (const [index, book] of books.entries()) {
    const path = `books[${index}].`;
    const version = `${book.id} version ${book.version}`;
    if (versions.has(version)) return `books[${index}] repeats ${version}: give a change a new version`;
    versions.add(version);
    const mistake =
      mistakeInLines(book, path) ??
      mistakeInArms(book, { path, others, from: Date.parse(book.effectiveFrom) });
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** The first mistake in what a book says; `path` is what its fields' places begin with. */
export function mistakeInLines({ prices, experiment }: BookLines, path: string): string | undefined {
  if ((prices === undefined) === (experiment === undefined))
    return `${path === '' ? 'the book' : path.slice(0, -1)} must have either prices or an experiment: give one of them`;
  return mistakeInPrices(prices ?? [], path);
}

/** Without blanks and characters that no terminal shows. */
const MODEL = /^[\x21-\x7e]+$/;

function mistakeInPrices(lines: readonly LineText[], book: string): string | undefined {
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const path = `${book}prices[${index}]`;
    if (!MODEL.test(line.model))
      return `${path}.model must be "*" or the name of a model, without blanks: ${JSON.stringify(line.model)} is none`;
    for (const tenant of line.tenants ?? ['']) {
      const whom = `the model ${line.model}${tenant === '' ? '' : ` for ${tenant}`}`;
      if (seen.has(whom)) return `${path} repeats ${whom}: keep one line`;
      seen.add(whom);
    }
    const mistake = mistakeInLine(line, path);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** More than a week has use for; every one of them is looked at for every call. */
const MAX_WINDOWS = 50;

function mistakeInLine(line: LineText, path: string): string | undefined {
  const { monthly } = line;
  if ((line.windows ?? []).length > MAX_WINDOWS)
    return `${path}.windows must be at most ${MAX_WINDOWS}: join those with the same prices`;
  const windows = (line.windows ?? []).map((parts, at) => ({ path: `${path}.windows[${at}]`, parts }));
  return (
    mistakeInParts(line, path, monthly !== undefined) ??
    first(windows, ({ path: place, parts }) => mistakeInWindow(parts, place)) ??
    (monthly === undefined
      ? undefined
      : mistakeInMonthly(monthly, `${path}.monthly`, [{ path, parts: line }, ...windows]))
  );
}

const first = <T>(all: readonly T[], find: (one: T) => string | undefined): string | undefined => {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
};

function mistakeInWindow(window: WindowText, path: string): string | undefined {
  const { from, until, days = [] } = window;
  if (from === until)
    return `${path}.until must differ from "from": a window of the whole day is the line itself`;
  const again = days.findIndex((day, index) => days.indexOf(day) < index);
  if (again >= 0) return `${path}.days[${again}] repeats "${days[again]}": name each day once`;
  return mistakeInParts(window, path);
}

const UNITS = ['InputTokens', 'OutputTokens', 'TrainingTokens'] as const;

function mistakeInParts(parts: PartsText, path: string, mayBeEmpty = false): string | undefined {
  for (const [key, value] of Object.entries(parts)) {
    const mistake = key.startsWith('per') && typeof value === 'string' ? mistakeInPrice(value) : undefined;
    if (mistake !== undefined) return `${path}.${key} ${mistake}`;
  }
  for (const unit of UNITS) {
    if (parts[`perThousand${unit}`] !== undefined && parts[`perMillion${unit}`] !== undefined)
      return `${path}.perThousand${unit} says again what perMillion${unit} says: keep one of them`;
  }
  if (
    mayBeEmpty ||
    Object.entries(parts).some(([key, value]) => key.startsWith('per') && value !== undefined)
  )
    return undefined;
  return `${path} has no price: give perRequest, perMillionInputTokens or another; "0" where it is free`;
}

/** Books that an arm may be, or not. */
export type OtherBook = Pick<PriceBook, 'id' | 'effectiveFromMs'> & { readonly experiment?: unknown };

/** Every arm must have prices from the moment on at which the experiment begins; null: it is not known yet. */
export function mistakeInArms(
  { experiment }: { readonly experiment?: Experiment | undefined },
  {
    path: book,
    others,
    from,
  }: { readonly path: string; readonly others: readonly OtherBook[]; readonly from: number | null },
): string | undefined {
  for (const [index, arm] of (experiment?.arms ?? []).entries()) {
    const path = `${book}experiment.arms[${index}].book`;
    if (experiment?.arms.findIndex((other) => other.book === arm.book) !== index)
      return `${path} repeats ${arm.book}: give it one arm with the whole weight`;
    const versions = others.filter((other) => other.id === arm.book);
    if (versions.some((other) => other.experiment !== undefined))
      return `${path} must be a book with prices: ${arm.book} is an experiment itself`;
    if (!versions.some((other) => other.effectiveFromMs <= (from ?? Number.POSITIVE_INFINITY)))
      return `${path} must be a book in force${from === null ? '' : ` from ${timeText(from)} on`}: ${arm.book} is not`;
  }
  return undefined;
}

/** As times are written here, without fractions that are none. */
const timeText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
