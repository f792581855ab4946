import { expect, test } from 'vitest';
import { toFloat32, toFloatBytes, toHalfBytes } from '#core/weights/floats.ts';
import { permutedRows } from '#core/weights/llamaLayout.ts';
import { readSafetensors, writeSafetensors } from '#core/weights/safetensors.ts';

test('a safetensors file is read as it was written, metadata included', () => {
  const written = writeSafetensors({
    metadata: { format: 'pt', note: 'é' },
    tensors: new Map([
      ['b', { dtype: 'F32', shape: [2, 2], bytes: toFloatBytes(Float32Array.of(1, -2.5, 3e-8, 4)) }],
      ['a', { dtype: 'F16', shape: [3], bytes: toHalfBytes(Float32Array.of(0.5, -65504, 0)) }],
    ]),
  });
  const { metadata, tensors } = readSafetensors(written);
  expect(metadata).toEqual({ format: 'pt', note: 'é' });
  expect([...tensors.keys()]).toEqual(['a', 'b']);
  const [a, b] = [tensors.get('a'), tensors.get('b')];
  if (a === undefined || b === undefined) throw new Error('lost');
  expect(b.shape).toEqual([2, 2]);
  expect([...toFloat32(b)]).toEqual([...Float32Array.of(1, -2.5, 3e-8, 4)]);
  expect([...toFloat32(a)]).toEqual([0.5, -65504, 0]);
});

test('files that lie about their size are refused', () => {
  const file = Buffer.from(
    writeSafetensors({
      metadata: {},
      tensors: new Map([['x', { dtype: 'F32', shape: [2], bytes: toFloatBytes(Float32Array.of(1, 2)) }]]),
    }),
  );
  expect(() => readSafetensors(file.subarray(0, file.length - 4))).toThrow('tensor x');
  expect(() => readSafetensors(file.subarray(0, 5))).toThrow('too short');
  expect(() => readSafetensors(Buffer.alloc(64, 0xff))).toThrow('does not fit');
  expect(() =>
    readSafetensors(Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('[]')])),
  ).toThrow('not understood');
});

test('halves round to the nearest even and keep every half exactly', () => {
  const roundTrip = (value: number): number =>
    toFloat32({ dtype: 'F16', bytes: toHalfBytes(Float32Array.of(value)) })[0] ?? Number.NaN;
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = toFloat32({ dtype: 'F16', bytes: Buffer.from([bits & 255, bits >> 8]) })[0] ?? Number.NaN;
    if (roundTrip(value) !== value) throw new Error(`the half ${bits} became ${roundTrip(value)}`);
  }
  expect(roundTrip(1 + 2 ** -11)).toBe(1); // a tie goes to the even neighbour
  expect(roundTrip(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
  expect(roundTrip(1e6)).toBe(Number.POSITIVE_INFINITY);
  expect(roundTrip(1e-9)).toBe(0);
});

test('bfloat16 is read as the upper half of a float', () => {
  expect([...toFloat32({ dtype: 'BF16', bytes: Buffer.from([0x80, 0x3f, 0x00, 0xc0]) })]).toEqual([1, -2]);
});

test('query rows pair up across the halves of each head', () => {
  // Two heads of four rows, one column: rows 0 and 2 of a head become neighbours.
  const rows = Float32Array.of(0, 1, 2, 3, 10, 11, 12, 13);
  expect([...permutedRows(rows, { rows: 8, heads: 2 })]).toEqual([0, 2, 1, 3, 10, 12, 11, 13]);
});
