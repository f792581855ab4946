import type { Tensor } from './safetensors.ts';

/** A tensor's values as 32-bit floats, whatever it is stored as; always a copy. */
export function toFloat32({ dtype, bytes }: Pick<Tensor, 'dtype' | 'bytes'>): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === 'F32')
    return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
  const out = new Float32Array(bytes.length / 2);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) {
    const half = view.getUint16(i * 2, true);
    // bfloat16 is the upper half of a 32-bit float.
    if (dtype === 'BF16') bits[i] = half << 16;
    else out[i] = halfToFloat(half);
  }
  return out;
}

/** Values as 16-bit floats (IEEE half), rounded to the nearest, ties to even. */
export function toHalfBytes(values: Float32Array): Uint8Array {
  const out = Buffer.allocUnsafe(values.length * 2);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) out.writeUInt16LE(floatBitsToHalf(bits[i] ?? 0), i * 2);
  return out;
}

export const toFloatBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112; // from a bias of 127 to one of 15
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  if (exponent <= 0) return sign | roundedShift(mantissa | 0x800000, 14 - exponent);
  return sign | ((exponent << 10) + roundedShift(mantissa, 13)); // a carry moves into the exponent, as it should
}

function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}
