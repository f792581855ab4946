/** A field of a protobuf message: a number, or bytes (text, a packed tensor, a nested message). */
export type Field =
  | { readonly number: number; readonly wire: 'varint'; readonly value: number }
  | { readonly number: number; readonly wire: 'bytes'; readonly bytes: Uint8Array };

const WIRE = { varint: 0, bytes: 2 } as const;

export const varint = (number: number, value: number): Field => ({ number, wire: 'varint', value });

export const text = (number: number, value: string): Field => ({
  number,
  wire: 'bytes',
  bytes: Buffer.from(value),
});

/** A nested message; its `bytes` are the encoded fields. */
export const message = (number: number, fields: readonly Field[]): Field & { readonly wire: 'bytes' } => ({
  number,
  wire: 'bytes',
  bytes: Buffer.concat(fields.flatMap(encodeField)),
});

function encodeField(field: Field): readonly Uint8Array[] {
  const tag = encodeVarint(BigInt(field.number * 8 + WIRE[field.wire]));
  if (field.wire === 'varint') return [tag, encodeVarint(BigInt(field.value))];
  return [tag, encodeVarint(BigInt(field.bytes.length)), field.bytes];
}

/** Seven bits a byte, least significant first; negative numbers in two's complement of 64 bits. */
function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}
