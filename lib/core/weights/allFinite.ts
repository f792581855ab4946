import type { Tensor } from './safetensors.ts';

/** The exponent's bits in the upper half of a value, which is all of it in 16 bits: all of them set is no finite number. */
const EXPONENT = { F32: 0x7f80, BF16: 0x7f80, F16: 0x7c00 } as const;

/** Whether every value is a finite number. `bytes` are whole values of `dtype`, little-endian. */
export function allFinite(dtype: Tensor['dtype'], bytes: Uint8Array): boolean {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 2));
  const exponent = EXPONENT[dtype];
  const step = dtype === 'F32' ? 2 : 1;
  for (let at = step - 1; at < halves.length; at += step) {
    if (((halves[at] ?? 0) & exponent) === exponent) return false;
  }
  return true;
}
