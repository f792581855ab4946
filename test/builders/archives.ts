import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';

/** A member of a tar archive, as honest or not as a test wants it. `type` is tar's own letter: 2 is a symbolic link. */
export type TarMember = {
  readonly name: string;
  readonly data?: Uint8Array | string;
  readonly type?: string;
  readonly linkname?: string;
};

const BLOCK = 512;

/** An archive written byte by byte: packers refuse to write what these tests need. */
export const tarGz = (members: readonly TarMember[]): Buffer =>
  gzipSync(Buffer.concat([...members.map(memberBytes), Buffer.alloc(2 * BLOCK)]), { level: 1 });

function memberBytes({ name, data = '', type = '0', linkname = '' }: TarMember): Buffer {
  const body = Buffer.from(data);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(linkname, 157, 100);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** The files of a demonstration tenant's adapter, each replaced or left out (null) as a test wants. */
export function adapterMembers(
  changed: Readonly<Record<string, Uint8Array | string | null>> = {},
  demo = 0,
): readonly TarMember[] {
  const directory = DEMO_TENANTS[demo]?.adapterDirectory ?? '';
  const names = ['adapter_config.json', 'adapter_model.safetensors', 'lineage.json'];
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name))]));
  return Object.entries({ ...files, ...changed }).flatMap(([name, data]) =>
    data === null ? [] : [{ name, data }],
  );
}

/** The weights of a demonstration tenant's adapter, changed a little: of each `nth` another adapter. */
export function otherWeights(nth: number): Buffer {
  const weights = Buffer.from(adapterMembers().find(({ name }) => name.endsWith('.safetensors'))?.data ?? '');
  const last = weights.length - 4; // a float's lowest byte: whatever it is, the number stays a number
  weights.writeUInt8((weights.readUInt8(last) + nth) % 256, last);
  return weights;
}

/** An archive as a trainer leaves it. */
export const adapterArchive = (
  changed: Readonly<Record<string, Uint8Array | string | null>> = {},
  demo = 0,
): Buffer => tarGz(adapterMembers(changed, demo));
