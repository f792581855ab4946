import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';

/** The only files that an adapter may bring: a serving container would run a `model.py` that it found here. */
export const ADAPTER_FILES = [
  'adapter_config.json',
  'adapter_model.safetensors',
  'chat_template.jinja',
  'lineage.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
/** Unpacked, all files together. */
const MAX_CONTENT_BYTES = 600 * 1024 * 1024;
export const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;

/**
 * Copies an adapter’s artifact into a new folder of our own, which the caller removes when it is done.
 * Takes `s3://` URLs of a .tar.gz, and `file://` URLs of one or of a folder with PEFT files. Throws a line for an
 * operator otherwise.
 */
export async function fetchArtifact(url: string, intoDirectory: string): Promise<string> {
  mkdirSync(intoDirectory, { recursive: true });
  const target = mkdtempSync(join(intoDirectory, 'adapter-'));
  try {
    if (url.startsWith('s3://')) await fetchFromS3(url, target);
    else await fetchFile(url, target);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    throw error;
  }
  return target;
}

async function fetchFromS3(url: string, target: string): Promise<void> {
  // Loaded when it is needed: a start without such adapters need not wait for the SDK.
  const { downloadObject, makeLocalS3, parseS3Uri } = await import('./s3Objects.ts');
  const place = parseS3Uri(url);
  if (place === undefined) throw new Error(`ArtifactUrl is not s3://bucket/key: ${url.slice(0, 80)}`);
  const archive = join(target, '.archive.tar.gz');
  const s3 = makeLocalS3();
  try {
    await downloadObject(s3, place, { path: archive, maxBytes: MAX_ARCHIVE_BYTES });
    await extractAllowed(archive, target);
  } finally {
    s3.destroy();
    rmSync(archive, { force: true });
  }
}

async function fetchFile(url: string, target: string): Promise<void> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol !== 'file:')
    throw new Error(`ArtifactUrl must begin with s3:// or file:// on this server: ${url.slice(0, 80)}`);
  const source = fileURLToPath(url);
  if (!existsSync(source)) throw new Error(`the artifact ${url} does not exist`);
  if (statSync(source).isDirectory()) copyAllowed(source, target);
  else await extractAllowed(source, target);
}

function copyAllowed(source: string, target: string): void {
  for (const name of ADAPTER_FILES) {
    const path = join(source, name);
    if (existsSync(path)) copyFileSync(path, join(target, name));
  }
}

/** Only plain files of the list at the archive's root are taken; links, folders and everything else are left out. */
async function extractAllowed(archive: string, target: string): Promise<void> {
  let left = MAX_CONTENT_BYTES;
  await extract({
    file: archive,
    cwd: target,
    strict: true,
    filter: (path, entry) => {
      const name = basename(path);
      const isPlain = 'type' in entry && entry.type === 'File' && (path === name || path === `./${name}`);
      if (!isPlain || !ADAPTER_FILES.includes(name)) return false;
      left -= entry.size;
      return left >= 0;
    },
  });
  if (left < 0) throw new Error(`the archive has more than ${MAX_CONTENT_BYTES} bytes`);
}
