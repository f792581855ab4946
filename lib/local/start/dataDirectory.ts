import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CannotStart } from './cannotStart.ts';
import { type DataPaths, pathsIn } from './paths.ts';

/** Below this, databases would begin to fail in the middle of work. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;

export type DataDirectory = { readonly paths: DataPaths; readonly release: () => void };

/** Makes a folder ready and takes it for this process alone. Throws `CannotStart` where it cannot be used. */
export function openDataDirectory(dataDir: string): DataDirectory {
  const paths = pathsIn(dataDir);
  // Names of clients and of keys are in here: nobody else on the machine needs to read them.
  makeFolder(dataDir);
  accessSync(dataDir, constants.W_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize < MIN_FREE_BYTES) {
    throw new CannotStart(
      `the disk of ${dataDir} is full: at least ${MIN_FREE_BYTES / 1024 ** 2} MB are needed`,
    );
  }
  const probe = join(dataDir, '.probe');
  writeFileSync(probe, 'x');
  rmSync(probe);
  const lock = takeLock(paths.lock, dataDir);
  mkdirSync(paths.logs, { recursive: true });
  return { paths, release: () => lock.close() };
}

/** Folder by folder: Node's own `recursive` never returns where a file system refuses to make any (`/proc`). */
function makeFolder(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder && !existsSync(parent)) makeFolder(parent);
  mkdirSync(folder, { mode: 0o700 });
}

/** Deletes what earlier runs left, by name: a folder given by mistake keeps what is not ours. */
export function clearDataDirectory(paths: DataPaths): void {
  const { lock: _, ...rest } = paths;
  for (const path of Object.values(rest)) {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { recursive: true, force: true });
  }
  mkdirSync(paths.logs, { recursive: true });
}

/** A lock that the kernel gives back with the process, however it ends: no stale file can keep a start from working. */
function takeLock(file: string, dataDir: string): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    return lock;
  } catch (error) {
    lock.close();
    if (!(error instanceof Error && /locked/.test(error.message))) throw error;
    throw new CannotStart(
      `another instance runs on ${dataDir}: end it, or choose another folder with --data`,
    );
  }
}
