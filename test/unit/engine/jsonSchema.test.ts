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
  [{}, 'one of type'],
  [{ type: 'banana' }, 'type'],
  [{ type: [] }, 'type'],
  [{ type: ['object', 'null'] }, 'type'],
  [{ enum: [] }, 'enum'],
  [{ enum: [{ a: 1 }] }, 'enum'],
  [{ oneOf: [] }, 'oneOf'],
  [{ type: 'object', properties: { a: true } }, 'not a JSON schema'],
  [{ type: 'object', properties: {}, required: ['a'] }, 'requires'],
  [{ type: 'string', minLength: 5, maxLength: 2 }, 'above'],
  [{ type: 'string', minLength: '5' }, 'minLength'],
  [{ type: 'string', minLength: 1e9 }, 'minLength'],
  [{ enum: ['a\0b'] }, 'NUL'],
  [{ type: 'object', oneOf: [{ type: 'string' }] }, 'one of type'],
  [{ type: 'string', properties: {} }, 'no object'],
  [{ $ref: '#' }, 'refers'],
  [{ $ref: 'https://example.com/schema' }, 'refers'],
  [{ $ref: '#/$defs/constructor', $defs: {} }, 'refers'],
])('names what it would not enforce: %j', (schema, word) => {
  expect(unsupportedInSchema(schema)).toContain(word);
});

test('a schema that nests without end is refused', () => {
  let schema: object = { type: 'string' };
  for (let depth = 0; depth < 40; depth++) schema = { type: 'array', items: schema };
  expect(unsupportedInSchema(schema)).toContain('deep');
});

test('a schema may refer to itself', () => {
  const node = {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } },
  };
  expect(unsupportedInSchema({ $ref: '#/$defs/node', $defs: { node } })).toBeUndefined();
});

test.each([
  { enum: Array.from({ length: 20_000 }, (_, at) => `value ${at}`) },
  { const: 'x'.repeat(100_000) },
  { oneOf: Array.from({ length: 2_000 }, () => ({ type: 'string' })) },
])('a schema so large that its grammar would keep others waiting is refused', (schema) => {
  expect(unsupportedInSchema(schema)).toContain('too large');
});
