import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

const MAX_BYTES = 5 * 1024 * 1024;

/** Appends lines to a file of at most `MAX_BYTES`; the one before it is kept as `<file>.1`. Never throws: a full disk must not end what is logged. */
export function openBoundedLog(file: string): { readonly write: (line: string) => void } {
  let descriptor = openSync(file, 'a', 0o600);
  let size = statSync(file).size;
  return {
    write: (line) => {
      try {
        size += writeSync(descriptor, `${line}\n`);
        if (size < MAX_BYTES) return;
        closeSync(descriptor);
        renameSync(file, `${file}.1`);
        descriptor = openSync(file, 'a', 0o600);
        size = 0;
      } catch {
        // nowhere to say it
      }
    },
  };
}
