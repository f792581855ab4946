import { toFloatBytes, toHalfBytes } from './floats.ts';

/** A value of GGUF's metadata. Only the types that our files use. */
export type GgufValue =
  | { readonly type: 'uint32' | 'int32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int32s'; readonly value: readonly number[] };

export type GgufTensor = {
  readonly name: string;
  /** Row-major, outermost first, as in safetensors; GGUF itself writes it the other way round. */
  readonly shape: readonly number[];
  readonly store: 'F32' | 'F16';
  readonly values: Float32Array;
};

const VERSION = 3;
const ALIGNMENT = 32;
const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPE = { F32: 0, F16: 1 } as const;

/** Writes a GGUF file, llama.cpp's format. Source: ggml's docs/gguf.md. */
export function writeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Uint8Array {
  const entries = Object.entries(metadata);
  const head: Uint8Array[] = [
    Buffer.from('GGUF'),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), encodeValue(value)]),
  ];
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    const bytes = padded(tensor.store === 'F32' ? toFloatBytes(tensor.values) : toHalfBytes(tensor.values));
    head.push(
      string(tensor.name),
      uint32(tensor.shape.length),
      ...[...tensor.shape].reverse().map(uint64),
      uint32(TENSOR_TYPE[tensor.store]),
      uint64(offset),
    );
    data.push(bytes);
    offset += bytes.length;
  }
  return Buffer.concat([padded(Buffer.concat(head)), ...data]);
}

function encodeValue(value: GgufValue): Uint8Array {
  switch (value.type) {
    case 'uint32':
      return Buffer.concat([uint32(VALUE_TYPE.uint32), uint32(value.value)]);
    case 'int32':
      return Buffer.concat([uint32(VALUE_TYPE.int32), int32(value.value)]);
    case 'float32':
      return Buffer.concat([uint32(VALUE_TYPE.float32), float32(value.value)]);
    case 'bool':
      return Buffer.concat([uint32(VALUE_TYPE.bool), Buffer.from([value.value ? 1 : 0])]);
    case 'string':
      return Buffer.concat([uint32(VALUE_TYPE.string), string(value.value)]);
    case 'strings':
      return array(VALUE_TYPE.string, value.value.map(string));
    case 'int32s':
      return array(VALUE_TYPE.int32, value.value.map(int32));
  }
}

const array = (itemType: number, items: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([uint32(VALUE_TYPE.array), uint32(itemType), uint64(items.length), ...items]);

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function float32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function string(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

const padded = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
