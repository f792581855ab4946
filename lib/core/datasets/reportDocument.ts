import type { DatasetReport } from './types.ts';

/** The report as it is stored, answered and printed; `file` names what was checked. */
export function reportDocument(file: string, { bytes, lines, faults, statistics }: DatasetReport) {
  const { tokens, duplicates } = statistics;
  return {
    object: 'file.report',
    file,
    valid: faults.count === 0,
    bytes,
    lines,
    errors: { count: faults.count, shown: faults.shown.length, data: faults.shown },
    statistics: {
      examples: statistics.examples,
      items: statistics.items,
      converted: statistics.converted,
      blank_lines: statistics.blankLines,
      tokens:
        tokens === null
          ? null
          : {
              base_model: tokens.baseModel,
              total: tokens.total,
              longest: tokens.longest,
              over_context: tokens.overContext,
              histogram: tokens.histogram.map(({ upTo, examples }) => ({ up_to: upTo, examples })),
            },
      classes: statistics.classes,
      duplicates,
      pii: statistics.pii,
    },
  };
}
