import { mistakeInMonthly } from './mistakeInMonthly.ts';
import type { BookText, LineText, PartsText, WindowText } from './priceBooksFile.ts';

/** The first mistake that no field shows by itself, as its place and the mend; undefined when there is none. */
export function findMistake(books: readonly BookText[]): string | undefined {
  const versions = new Set<string>();
  for (const [index, book] of books.entries()) {
    const path = `books[${index}]`;
    const version = `${book.id} version ${book.version}`;
    if (versions.has(version)) return `${path} repeats ${version}: give a change a new version`;
    versions.add(version);
    if ((book.prices === undefined) === (book.experiment === undefined))
      return `${path} must have either prices or an experiment: give one of them`;
    const mistake = mistakeInPrices(book.prices ?? [], path) ?? mistakeInArms(book, path, books);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

function mistakeInPrices(lines: readonly LineText[], book: string): string | undefined {
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const path = `${book}.prices[${index}]`;
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

function mistakeInLine(line: LineText, path: string): string | undefined {
  const { monthly } = line;
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

const mistakeInWindow = (window: WindowText, path: string): string | undefined =>
  window.from === window.until
    ? `${path}.until must differ from "from": a window of the whole day is the line itself`
    : mistakeInParts(window, path);

const UNITS = ['InputTokens', 'OutputTokens', 'TrainingTokens'] as const;

function mistakeInParts(parts: PartsText, path: string, mayBeEmpty = false): string | undefined {
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

/** Every arm must have prices from the moment on at which the experiment begins. */
function mistakeInArms(
  { experiment, effectiveFrom }: BookText,
  book: string,
  books: readonly BookText[],
): string | undefined {
  for (const [index, arm] of (experiment?.arms ?? []).entries()) {
    const path = `${book}.experiment.arms[${index}].book`;
    if (experiment?.arms.findIndex((other) => other.book === arm.book) !== index)
      return `${path} repeats ${arm.book}: give it one arm with the whole weight`;
    const versions = books.filter((other) => other.id === arm.book);
    if (versions.some((other) => other.experiment !== undefined))
      return `${path} must be a book with prices: ${arm.book} is an experiment itself`;
    if (!versions.some((other) => Date.parse(other.effectiveFrom) <= Date.parse(effectiveFrom)))
      return `${path} must be a book in force from ${effectiveFrom} on: ${arm.book} is not`;
  }
  return undefined;
}
