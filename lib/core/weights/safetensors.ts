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
  const { metadata, tensors } = readSafetensorsHeader(file, file.length);
  return {
    metadata,
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, begin, end }]) => [
        name,
        { dtype, shape, bytes: file.subarray(begin, end) },
      ]),
    ),
  };
}

/** Where a tensor is in its file: the bytes from `begin` up to `end`. */
export type TensorPlace = Pick<Tensor, 'dtype' | 'shape'> & { readonly begin: number; readonly end: number };

export type SafetensorsHeader = {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorPlace>;
};

/** How many bytes of a file are its header, from its first eight. Throws when no header can be so long. */
export function headerEnd(start: Uint8Array): number {
  if (start.length < LENGTH_BYTES) throw new Error('not a safetensors file: too short');
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES)
    throw new Error('not a safetensors file: its header does not fit into it');
  return LENGTH_BYTES + headerBytes;
}

/**
 * Reads the header of a safetensors file from its beginning and checks it against the file's size: every byte of the
 * data belongs to one tensor, as the format demands. Throws a line that says what is wrong with it.
 */
export function readSafetensorsHeader(start: Uint8Array, fileBytes: number): SafetensorsHeader {
  const dataStart = headerEnd(start);
  if (dataStart > start.length) throw new Error('not a safetensors file: its header does not fit into it');
  const header = z.safeParse(Header, parseJson(start.subarray(LENGTH_BYTES, dataStart)));
  if (!header.success) throw new Error('not a safetensors file: its header is not understood');

  const tensors = new Map<string, TensorPlace>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, entry] of Object.entries(header.data)) {
    if (!isTensorEntry(entry)) {
      if (name === '__metadata__') metadata = entry;
      continue;
    }
    const [begin, end] = entry.data_offsets;
    const expected = entry.shape.reduce((a, b) => a * b, 1) * BYTES_PER_VALUE[entry.dtype];
    if (end - begin !== expected || dataStart + end > fileBytes) {
      throw new Error(`not a safetensors file: tensor ${name} has ${end - begin} bytes, not ${expected}`);
    }
    tensors.set(name, {
      dtype: entry.dtype,
      shape: entry.shape,
      begin: dataStart + begin,
      end: dataStart + end,
    });
  }
  checkNoGaps(tensors, { dataStart, fileBytes });
  return { metadata, tensors };
}

/** Bytes that no tensor owns could hide anything, and tensors that share bytes are not what a trainer wrote. */
function checkNoGaps(
  tensors: ReadonlyMap<string, TensorPlace>,
  { dataStart, fileBytes }: { readonly dataStart: number; readonly fileBytes: number },
): void {
  let at = dataStart;
  for (const { begin, end } of [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw new Error('not a safetensors file: its tensors overlap or leave gaps');
    at = end;
  }
  if (at !== fileBytes) throw new Error('not a safetensors file: it does not end with its last tensor');
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
