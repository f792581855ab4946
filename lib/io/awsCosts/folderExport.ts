import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AwsExport, ExportFile } from './exportFiles.ts';
import { UnreadableExport } from './exportFiles.ts';

/** An export as a folder of files, or as one file, on this machine. A folder that is not there is empty. */
export function makeFolderExport(path: string): AwsExport {
  return async () => {
    try {
      const found = await stat(path);
      if (found.isFile()) return [await fileAt(path, basename(path))];
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return await Promise.all(
        files.map(({ parentPath, name }) => {
          const full = join(parentPath, name);
          return fileAt(full, full.slice(path.length).replace(/^\/+/, ''));
        }),
      );
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw new UnreadableExport(
        `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
}

async function fileAt(path: string, name: string): Promise<ExportFile> {
  const { size, mtimeMs } = await stat(path);
  return {
    name,
    sizeBytes: size,
    changedAtMs: mtimeMs,
    stream: async () => createReadStream(path),
    slice: async (start, end) => {
      const file = await open(path);
      try {
        const bytes = new ArrayBuffer(end - start);
        await file.read(new Uint8Array(bytes), 0, end - start, start);
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}
