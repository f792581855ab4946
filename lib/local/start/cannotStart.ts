/** A reason why the product does not start, told in one line that says what to do; never a bug. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

/** The codes of system errors that an operator can do something about, in words. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'it cannot be made there',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'there is a file of that name',
  EISDIR: 'there is a folder where a file is wanted',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many open files (raise ulimit -n)',
};

/** The line for an error that came out of the start. */
export function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const path = 'path' in error && typeof error.path === 'string' ? `${error.path}: ` : '';
  const known = SYSTEM_ERRORS[code];
  return known === undefined ? (error.message.split('\n')[0] ?? '') : `${path}${known}`;
}
