import { canonicalLine } from './canonicalLine.ts';
import { comparedText } from './comparedText.ts';
import { makeHashSet } from './hashSet.ts';
import { DATASET_LIMITS } from './limits.ts';
import { makeNearDuplicates } from './nearDuplicates.ts';
import { personalData } from './personalData.ts';
import type { DatasetTools } from './ports.ts';
import { type ReadEvalLine, readEvalLine } from './readEvalLine.ts';
import { readExample } from './readExample.ts';
import { type RawLine, splitLines } from './splitLines.ts';
import { makeClassTally, makeLengthTally, makePiiTally } from './tally.ts';
import type { DatasetReport, Example, LineFault } from './types.ts';

/** What a file is for: `evaluation` takes `{"item": {…}}` beside examples. */
export type DatasetUse = 'training' | 'evaluation';

type CheckOptions = {
  readonly use?: DatasetUse;
  /** Asked before each line: from when on it answers true, nothing more is read, and the report says so. */
  readonly isLate?: () => boolean;
};

/**
 * Reads a file once, as a stream, and reports every mistake and the statistics. Never refuses: whatever the bytes
 * are, there is a report. Throws only what the stream itself throws.
 */
export async function checkDataset(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  tools: DatasetTools,
  { use = 'training', isLate = () => false }: CheckOptions = {},
): Promise<DatasetReport> {
  const check = makeCheck(tools, use);
  let bytes = 0;
  async function* counted() {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  for await (const line of splitLines(counted(), DATASET_LIMITS.lineBytes)) {
    if (isLate()) {
      check.endEarly(line.number);
      break;
    }
    check.line(line);
  }
  return check.report(bytes);
}

function makeCheck({ sha256, findPii, tokenizer }: DatasetTools, use: DatasetUse) {
  const readLine: (bytes: Uint8Array) => ReadEvalLine = use === 'training' ? readExample : readEvalLine;
  const seen = makeHashSet();
  const near = makeNearDuplicates();
  const classes = makeClassTally();
  const lengths = makeLengthTally();
  const pii = makePiiTally();
  const shown: LineFault[] = [];
  const counts = {
    lines: 0,
    faults: 0,
    examples: 0,
    items: 0,
    converted: 0,
    blank: 0,
    exact: 0,
    near: 0,
    overContext: 0,
  };

  const fault = (found: LineFault): void => {
    counts.faults += 1;
    if (shown.length < DATASET_LIMITS.shownFaults) shown.push(found);
  };

  const countTokens = (example: Example, line: number): boolean => {
    if (tokenizer === undefined) return true;
    const tokens = tokenizer.count(example);
    if (tokens === undefined) {
      fault({ line, ...notExpressible(tokenizer.baseModel) });
      return false;
    }
    lengths.add(tokens);
    if (tokens > tokenizer.contextTokens) counts.overContext += 1;
    return true;
  };

  const addExample = (example: Example, line: number): void => {
    if (counts.examples >= DATASET_LIMITS.examples) {
      fault({ line, ...TOO_MANY });
      return;
    }
    if (!countTokens(example, line)) return;
    counts.examples += 1;
    classes.add(example);
    pii.add(personalData(example, findPii));
    if (!seen.addIfNew(sha256.hex(canonicalLine(example)))) counts.exact += 1;
    else if (!near.addIfNew(comparedText(example))) counts.near += 1;
  };

  return {
    line: ({ number, bytes }: RawLine): void => {
      counts.lines = number;
      const read: ReadEvalLine = bytes === null ? { kind: 'faulty', faults: [TOO_LONG] } : readLine(bytes);
      if (read.kind === 'blank') counts.blank += 1;
      else if (read.kind === 'faulty') for (const found of read.faults) fault({ line: number, ...found });
      else if (read.kind === 'item') {
        counts.items += 1;
        if (!seen.addIfNew(sha256.hex(read.text))) counts.exact += 1;
      } else {
        if (read.converted) counts.converted += 1;
        addExample(read.example, number);
      }
    },
    /** Shown whatever else is: it says that there may be more. */
    endEarly: (line: number): void => {
      counts.faults += 1;
      shown.push({ line, ...TOOK_TOO_LONG });
    },
    report: (bytes: number): DatasetReport => {
      if (counts.examples + counts.items === 0 && counts.faults === 0) fault({ line: 1, ...EMPTY });
      return {
        bytes,
        lines: counts.lines,
        faults: { count: counts.faults, shown },
        statistics: {
          examples: counts.examples,
          items: counts.items,
          converted: counts.converted,
          blankLines: counts.blank,
          tokens:
            tokenizer === undefined
              ? null
              : {
                  baseModel: tokenizer.baseModel,
                  total: lengths.total(),
                  longest: lengths.longest(),
                  histogram: lengths.histogram(),
                  overContext: counts.overContext,
                },
          classes: classes.classes(),
          duplicates: { exact: counts.exact, near: counts.near },
          pii: pii.counts(),
        },
      };
    },
  };
}

type Fault = Omit<LineFault, 'line'>;

const TOO_LONG: Fault = {
  field: null,
  code: 'line_too_long',
  message: `The line has more than ${DATASET_LIMITS.lineBytes} bytes.`,
  fix: 'Shorten the example: no base model reads that much at once. If the whole file is one line, put each example on its own.',
};

const TOO_MANY: Fault = {
  field: null,
  code: 'too_many_examples',
  message: `The file has more than ${DATASET_LIMITS.examples} examples.`,
  fix: 'Split the file.',
};

const TOOK_TOO_LONG: Fault = {
  field: null,
  code: 'took_too_long',
  message: 'The check took too long and ended in front of this line; what follows was not looked at.',
  fix: 'Split the file.',
};

const EMPTY: Fault = {
  field: null,
  code: 'empty_file',
  message: 'The file holds no examples.',
  fix: 'Write one {"messages": […]} on each line.',
};

const notExpressible = (baseModel: string): Fault => ({
  field: 'messages',
  code: 'not_expressible',
  message: `The chat template of ${baseModel} cannot express these messages.`,
  fix: 'Let user and assistant take turns, with a system message at the beginning only, and leave tools out.',
});
