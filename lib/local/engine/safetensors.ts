import * as z from 'zod/mini';

/** A tensor of a safetensors file. `bytes` is little-endian and row-major. */
export type Tensor = {
  readonly dtype: 'F32' | 'F16' | 'BF16';
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
};

export type Safetensors = {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
};

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000; // the format's own limit

const Header = z.record(
  z.string(),
  z.union([
    z.strictObject({
      dtype: z.enum(['F32', 'F16', 'BF16']),
      shape: z.array(z.int().check(z.nonnegative())),
      data_offsets: z.tuple([z.int().check(z.nonnegative()), z.int().check(z.nonnegative())]),
    }),
    z.record(z.string(), z.string()),
  ]),
);
const BYTES_PER_VALUE = { F32: 4, F16: 2, BF16: 2 } as const;

/** Reads a safetensors file. The tensors are views of `file`. Throws a line that says what is wrong with it. */
export function readSafetensors(file: Uint8Array): Safetensors {
  if (file.length < LENGTH_BYTES) throw new Error('not a safetensors file: too short');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataStart > file.length) {
    throw new Error('not a safetensors file: its header does not fit into it');
  }
  const header = z.safeParse(Header, parseJson(file.subarray(LENGTH_BYTES, dataStart)));
  if (!header.success) throw new Error('not a safetensors file: its header is not understood');

  const tensors = new Map<string, Tensor>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, entry] of Object.entries(header.data)) {
    if (!isTensorEntry(entry)) {
      if (name === '__metadata__') metadata = entry;
      continue;
    }
    const [begin, end] = entry.data_offsets;
    const expected = entry.shape.reduce((a, b) => a * b, 1) * BYTES_PER_VALUE[entry.dtype];
    if (end - begin !== expected || dataStart + end > file.length) {
      throw new Error(`not a safetensors file: tensor ${name} has ${end - begin} bytes, not ${expected}`);
    }
    tensors.set(name, {
      dtype: entry.dtype,
      shape: entry.shape,
      bytes: file.subarray(dataStart + begin, dataStart + end),
    });
  }
  return { metadata, tensors };
}

/** Writes tensors in the order of their names, so that equal content gives equal bytes. */
export function writeSafetensors({ metadata, tensors }: Safetensors): Uint8Array {
  const entries = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of entries) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...entries.map(([, tensor]) => tensor.bytes)]);
}

type TensorEntry = {
  dtype: Tensor['dtype'];
  shape: number[];
  data_offsets: [number, number];
};
const isTensorEntry = (entry: TensorEntry | Record<string, string>): entry is TensorEntry =>
  Array.isArray(entry['data_offsets']);

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
