import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { create as createTar, extract } from 'tar';
import { ADAPTER_FILES } from '#core/adapters/archiveRules.ts';
import type { AdapterArchives } from '#core/adapters/ports.ts';
import { adapterGguf } from '#core/weights/adapterGguf.ts';
import { fileSha256 } from './scanArchive.ts';

/** The bucket, as far as an export needs it. */
export type ExportStore = {
  readonly read: (key: string) => Promise<Readable | undefined>;
  readonly list: (prefix: string) => Promise<readonly string[]>;
  readonly upload: (key: string, body: Readable) => Promise<void>;
};

type Exported = Parameters<AdapterArchives['writeExport']>[0];

const CHECKSUMS = 'SHA256SUMS';

/** Gathers an export's files in a folder, packs them and puts the archive into the bucket. */
export async function writeExport(
  store: ExportStore,
  { archiveKey, base, folders, texts, atMs, to }: Exported,
  folder: string,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const files = join(folder, 'export');
  await writePeft(store, archiveKey, join(files, 'peft'));
  writeGguf(base, join(files, 'peft'), join(files, 'gguf'));
  for (const [path, prefix] of Object.entries(folders)) await copyFolder(store, prefix, join(files, path));
  for (const { path, text } of texts) writeFileSync(join(files, path), text);
  const names = await writeChecksums(files);
  const packed = join(folder, 'export.tar.gz');
  const gzip = { level: 6, portable: true };
  await createTar({ gzip, portable: true, mtime: new Date(atMs), file: packed, cwd: files }, names);
  await store.upload(to, createReadStream(packed));
  return { bytes: statSync(packed).size, sha256: await fileSha256(packed) };
}

/** The archive that serves is our own, so that it is unpacked as it is. */
async function writePeft(store: ExportStore, archiveKey: string, directory: string): Promise<void> {
  const archive = await store.read(archiveKey);
  if (archive === undefined) throw new Error(`${archiveKey} is not there`);
  mkdirSync(directory, { recursive: true });
  await pipeline(archive, extract({ cwd: directory, strict: true }) as unknown as NodeJS.WritableStream);
}

function writeGguf(base: Exported['base'], peft: string, directory: string): void {
  const config = readFileSync(join(peft, ADAPTER_FILES.config), 'utf8');
  const converted = adapterGguf(base, config, readFileSync(join(peft, ADAPTER_FILES.weights)));
  if (!converted.ok)
    throw new Error(`an adapter of the registry cannot be converted: ${converted.error.message}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'adapter.gguf'), converted.value);
}

async function copyFolder(store: ExportStore, prefix: string, directory: string): Promise<void> {
  for (const key of await store.list(prefix)) {
    const body = await store.read(key);
    if (body === undefined) continue;
    const path = join(directory, key.slice(prefix.length));
    if (relative(directory, path).startsWith('..')) throw new Error(`${key} would leave the export`);
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(body, createWriteStream(path));
  }
}

/** One line a file, as `sha256sum -c` reads it. Answers the names of all files, this one too. */
async function writeChecksums(directory: string): Promise<string[]> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .sort();
  const lines: string[] = [];
  for (const name of names) lines.push(`${await fileSha256(join(directory, name))}  ${name}\n`);
  writeFileSync(join(directory, CHECKSUMS), lines.join(''));
  return [...names, CHECKSUMS];
}
