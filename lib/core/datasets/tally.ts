import type { AnswerClass, Bucket, Example, PiiKind } from './types.ts';
import { PII_KINDS } from './types.ts';

/** Above these the answers are free text, of which a count says nothing. */
const MAX_CLASSES = 1_000;
const MAX_CLASS_LENGTH = 200;
const SHOWN_CLASSES = 100;
/** Classes repeat: with fewer examples to each than this they are none. */
const EXAMPLES_PER_CLASS = 2;

/** Counts last assistant messages as long as they look like classes. */
export function makeClassTally() {
  const counts = new Map<string, number>();
  let counted = 0;
  let freeText = false;
  return {
    add: ({ messages }: Example): void => {
      if (freeText) return;
      const answer = messages.at(-1)?.content ?? '';
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
      counted += 1;
      freeText = answer.length > MAX_CLASS_LENGTH || counts.size > MAX_CLASSES;
      if (freeText) counts.clear();
    },
    classes: (): readonly AnswerClass[] | null => {
      if (freeText || counts.size === 0 || counted < counts.size * EXAMPLES_PER_CLASS) return null;
      return [...counts]
        .map(([answer, examples]) => ({ answer, examples }))
        .sort((a, b) => b.examples - a.examples || (a.answer < b.answer ? -1 : 1))
        .slice(0, SHOWN_CLASSES);
    },
  };
}

/** Counts lengths in buckets whose bounds are powers of two. */
export function makeLengthTally() {
  const counts = new Map<number, number>();
  let total = 0;
  let longest = 0;
  return {
    add: (length: number): void => {
      const upTo = 2 ** Math.ceil(Math.log2(Math.max(1, length)));
      counts.set(upTo, (counts.get(upTo) ?? 0) + 1);
      total += length;
      longest = Math.max(longest, length);
    },
    total: () => total,
    longest: () => longest,
    histogram: (): readonly Bucket[] =>
      [...counts].sort(([a], [b]) => a - b).map(([upTo, examples]) => ({ upTo, examples })),
  };
}

/** Counts examples by the kinds of personal data in them. */
export function makePiiTally() {
  const counts: Record<PiiKind, number> = { email: 0, phone: 0, card: 0, iban: 0, ipv4: 0 };
  return {
    add: (kinds: ReadonlySet<PiiKind>): void => {
      for (const kind of PII_KINDS) if (kinds.has(kind)) counts[kind] += 1;
    },
    counts: (): Readonly<Record<PiiKind, number>> => ({ ...counts }),
  };
}
