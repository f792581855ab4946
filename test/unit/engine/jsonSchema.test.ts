import { expect, test } from 'vitest';
import { unsupportedInSchema } from '#local/engine/jsonSchema.ts';

test('accepts what the grammar enforces', () => {
  expect(
    unsupportedInSchema({
      type: 'object',
      properties: {
        desk: { enum: ['a', 'b'] },
        tags: { type: 'array', items: { type: 'string', maxLength: 5 } },
      },
      required: ['desk', 'tags'],
      additionalProperties: false,
    }),
  ).toBeUndefined();
});

test.each([
  [{ type: 'string', pattern: '^a' }, 'pattern'],
  [{ type: 'object', properties: { n: { type: 'number', minimum: 3 } } }, 'minimum'],
  [{ type: 'string', format: 'email' }, 'format'],
  ['text', 'not a JSON schema'],
])('names what it would not enforce: %j', (schema, word) => {
  expect(unsupportedInSchema(schema)).toContain(word);
});

test('a schema that nests without end is refused', () => {
  let schema: object = { type: 'string' };
  for (let depth = 0; depth < 40; depth++) schema = { type: 'array', items: schema };
  expect(unsupportedInSchema(schema)).toContain('deep');
});
