import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { checkDataset } from '#core/datasets/checkDataset.ts';
import { bytesOf, chatLine, chunked, TOOLS } from '#test/builders/datasets.ts';

const RUNS = { numRuns: 60 };

const lines = fc.oneof(
  fc.json({ maxDepth: 6 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.record({ messages: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  fc
    .array(
      fc.record({
        role: fc.constantFrom('user', 'assistant', 'system', 'tool', 'x'),
        content: fc.jsonValue(),
      }),
    )
    .map((messages) => JSON.stringify({ messages })),
  fc.tuple(fc.string(), fc.string()).map(([user, assistant]) => chatLine(user, assistant)),
);

test.prop([fc.uint8Array({ maxLength: 400 })], RUNS)('any bytes give a report', async (bytes) => {
  const report = await checkDataset([bytes], TOOLS);
  expect(report.bytes).toBe(bytes.length);
  expect(report.faults.count > 0 || report.statistics.examples > 0).toBe(true);
});

test.prop([fc.array(lines, { maxLength: 12 }), fc.integer({ min: 1, max: 64 })], RUNS)(
  'how the bytes are cut changes nothing, and every line is an example, blank or faulty',
  async (file, size) => {
    const bytes = bytesOf(...file);
    const whole = await checkDataset([bytes], TOOLS);
    expect(await checkDataset(chunked(bytes, size), TOOLS)).toEqual(whole);
    const faulty = new Set(whole.faults.shown.map(({ line }) => line));
    const { examples, blankLines } = whole.statistics;
    const fromEmptiness =
      examples === 0 && whole.faults.shown.some(({ code }) => code === 'empty_file') ? 1 : 0;
    expect(examples + blankLines + faulty.size - fromEmptiness).toBe(whole.lines);
  },
);
