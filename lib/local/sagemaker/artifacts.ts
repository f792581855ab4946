import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';

/** The only files that an adapter may bring: a serving container would run a `model.py` that it found here. */
const ALLOWED_FILES = [
  'adapter_config.json',
  'adapter_model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/**
 * Copies an adapter’s artifact into a new folder of our own, which the caller removes when it is done.
 * Takes `file://` URLs of a folder with PEFT files or of a .tar.gz of one. Throws a line for an operator otherwise.
 */
export async function fetchArtifact(url: string, intoDirectory: string): Promise<string> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol !== 'file:')
    throw new Error(`ArtifactUrl must begin with file:// on this server: ${url.slice(0, 80)}`);
  const source = fileURLToPath(url);
  if (!existsSync(source)) throw new Error(`the artifact ${url} does not exist`);
  mkdirSync(intoDirectory, { recursive: true });
  const target = mkdtempSync(join(intoDirectory, 'adapter-'));
  try {
    if (statSync(source).isDirectory()) copyAllowed(source, target);
    else await extractAllowed(source, target);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    throw error;
  }
  return target;
}

function copyAllowed(source: string, target: string): void {
  for (const name of ALLOWED_FILES) {
    const path = join(source, name);
    if (existsSync(path)) copyFileSync(path, join(target, name));
  }
}

/** Only plain files of the list at the archive's root are taken; links, folders and everything else are left out. */
const extractAllowed = (archive: string, target: string): Promise<void> =>
  extract({
    file: archive,
    cwd: target,
    strict: true,
    filter: (path, entry) =>
      ALLOWED_FILES.includes(basename(path)) &&
      (path === basename(path) || path === `./${basename(path)}`) &&
      'type' in entry &&
      entry.type === 'File' &&
      entry.size <= MAX_FILE_BYTES,
  });
