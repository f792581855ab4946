import { err, ok, type Result } from '#core/shared/result.ts';
import { canonicalLine } from './canonicalLine.ts';
import { comparedText } from './comparedText.ts';
import { makeHashSet } from './hashSet.ts';
import { DATASET_LIMITS } from './limits.ts';
import { makeNearDuplicates } from './nearDuplicates.ts';
import { redactExample } from './personalData.ts';
import type { DatasetTools } from './ports.ts';
import { readExample } from './readExample.ts';
import { splitLines } from './splitLines.ts';
import { type Side, splitSide } from './splitSide.ts';
import type { Example } from './types.ts';

export type VersionOptions = {
  /** `near` removes exact ones too. The first of its kind stays. */
  readonly removeDuplicates: 'none' | 'exact' | 'near';
  readonly redactPii: boolean;
  /** From 0 to 1. */
  readonly validationShare: number;
  readonly seed: number;
};

/** A dataset version: immutable, because its name is the SHA-256 of its lines. */
export type DatasetVersion = {
  readonly sha256: string;
  readonly examples: Readonly<Record<Side, number>>;
  readonly removed: { readonly exact: number; readonly near: number };
  /** Examples in which personal data was redacted. */
  readonly redacted: number;
};

export type NotAVersion =
  | { readonly code: 'faulty_line'; readonly line: number }
  | { readonly code: 'no_examples' }
  | { readonly code: 'took_too_long' };

/**
 * Makes a version of a file: writes each line that remains, in the file's order, to its side, and says what the
 * version is. Redaction comes before duplicates are compared, for two examples may differ in personal data alone.
 * Errors: faulty_line (check the file first), no_examples, took_too_long (`isLate`, asked before each line, said so).
 */
export async function prepareVersion(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { isLate = () => false, ...options }: VersionOptions & { readonly isLate?: () => boolean },
  tools: Pick<DatasetTools, 'sha256' | 'findPii'>,
  write: (side: Side, line: string, example: Example) => void | Promise<void>,
): Promise<Result<DatasetVersion, NotAVersion>> {
  const filter = makeFilter(options, tools);
  const whole = tools.sha256.begin();
  const examples = { training: 0, validation: 0 };
  for await (const { number, bytes } of splitLines(chunks, DATASET_LIMITS.lineBytes)) {
    if (isLate()) return err({ code: 'took_too_long' });
    const read = bytes === null ? undefined : readExample(bytes);
    if (read === undefined || read.kind === 'faulty') return err({ code: 'faulty_line', line: number });
    if (read.kind === 'blank') continue;
    const kept = filter.keep(read.example);
    if (kept === undefined) continue;
    const { line, example } = kept;
    const side = splitSide(tools.sha256.hex(`${options.seed}\n${line}`), options.validationShare);
    whole.add(`${line}\n`);
    examples[side] += 1;
    await write(side, line, example);
  }
  if (examples.training + examples.validation === 0) return err({ code: 'no_examples' });
  return ok({ sha256: whole.hex(), examples, ...filter.counts });
}

function makeFilter(
  { removeDuplicates, redactPii }: VersionOptions,
  { sha256, findPii }: Pick<DatasetTools, 'sha256' | 'findPii'>,
) {
  const seen = makeHashSet();
  const near = makeNearDuplicates();
  const counts = { removed: { exact: 0, near: 0 }, redacted: 0 };
  return {
    counts,
    /** The example, and the line to write; undefined when it is a duplicate. */
    keep: (given: Example): { readonly example: Example; readonly line: string } | undefined => {
      const example = redactPii ? redactExample(given, findPii) : given;
      const line = canonicalLine(example);
      if (removeDuplicates !== 'none' && !seen.addIfNew(sha256.hex(line))) {
        counts.removed.exact += 1;
        return undefined;
      }
      if (removeDuplicates === 'near' && !near.addIfNew(comparedText(example))) {
        counts.removed.near += 1;
        return undefined;
      }
      if (redactPii && line !== canonicalLine(given)) counts.redacted += 1;
      return { example, line };
    },
  };
}
