import * as z from 'zod/mini';
import { describeOne } from '#core/shared/describeIssue.ts';
import { type ReadLine, readExample } from './readExample.ts';
import { readJsonLine } from './readJsonLine.ts';

/** A line that is judged by and not learnt from: whatever fields a test has, as OpenAI's evals take them. */
export type ReadEvalLine = ReadLine | { readonly kind: 'item'; readonly text: string };

const object = z.record(z.string(), z.unknown());
const ItemLine = z.strictObject({
  item: object.check(z.refine((item) => Object.keys(item).length > 0, { error: 'must have a field' })),
  /** What a model answered, where the file brings answers with it. */
  sample: z.optional(object),
});

/** Reads a line of a file for evaluation: `{"item": {…}}`, with or without its `sample`, or an example. */
export function readEvalLine(bytes: Uint8Array): ReadEvalLine {
  const json = readJsonLine(bytes);
  const value = json.ok ? json.value : undefined;
  if (typeof value !== 'object' || value === null || !('item' in value)) return readExample(bytes);
  const parsed = z.safeParse(ItemLine, value, { reportInput: true });
  if (parsed.success) return { kind: 'item', text: JSON.stringify(parsed.data) };
  return {
    kind: 'faulty',
    faults: parsed.error.issues.map((issue) => {
      const { path, message } = describeOne(issue);
      return {
        field: path === '' ? null : path,
        code: issue.code === 'unrecognized_keys' ? 'unknown_field' : 'invalid_field',
        message: `${path === '' ? 'The line' : `'${path}'`} ${message}.`,
        fix: 'Write {"item": {…}} with the fields that the evaluation reads, and nothing beside it but "sample".',
      };
    }),
  };
}
