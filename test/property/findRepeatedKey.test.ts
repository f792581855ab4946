import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { findRepeatedKey } from '#core/shared/findRepeatedKey.ts';

test.prop([fc.json()])('no JSON that was written from a value has a key twice', (text) => {
  expect(findRepeatedKey(text)).toBeUndefined();
});

test.prop([fc.string(), fc.jsonValue(), fc.jsonValue()])(
  'a key twice is found wherever it stands, and named with its place',
  (key, one, other) => {
    const name = JSON.stringify(key);
    const object = `{${name}:${JSON.stringify(one)},"other\\"{":[1],${name} : ${JSON.stringify(other)}}`;
    expect(findRepeatedKey(object)).toBe(key);
    expect(findRepeatedKey(`[true,{"a":{"a":[null,${object}]}}]`)).toBe(`[1].a.a[1].${key}`);
  },
);

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a":{"a":1},"b":{"a":2}}', undefined],
  ['{"a":"{\\"b\\":1,\\"b\\":2}"}', undefined],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('%s', (text, place) => {
  expect(findRepeatedKey(text)).toBe(place);
});
