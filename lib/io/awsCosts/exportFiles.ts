import type { Readable } from 'node:stream';

/** One file of a cost and usage export, wherever it lies. */
export type ExportFile = {
  /** Its path in the bucket or the folder. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly changedAtMs: number;
  readonly stream: () => Promise<Readable>;
  /** Bytes from `start` to before `end`. */
  readonly slice: (start: number, end: number) => Promise<ArrayBuffer>;
};

/** Every file of an export. Throws `UnreadableExport` when it cannot be listed. */
export type AwsExport = () => Promise<readonly ExportFile[]>;

/** An export that is not there, not ours to read, or not what it should be; the message says which. */
export class UnreadableExport extends Error {
  override readonly name = 'UnreadableExport';
}

const DATA = /\.(csv|csv\.gz|parquet)$/i;
const ANY_MONTH = /(?:^|\/)(?:BILLING_PERIOD=\d{4}-\d\d|\d{8}-\d{8})\//;

/**
 * The files with a month's costs. AWS names the month in their path, and writes a further folder for each refresh
 * unless the export replaces its files: the newest of them is what counts. Files without a month in their path are
 * all taken, for their rows say of what month they are.
 */
export function filesOfMonth(files: readonly ExportFile[], month: string): readonly ExportFile[] {
  const data = files.filter(({ name }) => DATA.test(name));
  if (!data.some(({ name }) => ANY_MONTH.test(name))) return data;
  const [year = '', number = ''] = month.split('-');
  const inMonth = new RegExp(`(?:^|/)(?:BILLING_PERIOD=${month}|${year}${number}01-\\d{8})/`);
  const ofMonth = data.filter(({ name }) => inMonth.test(name));
  const newest = ofMonth.reduce<ExportFile | undefined>(
    (last, file) => (last === undefined || file.changedAtMs > last.changedAtMs ? file : last),
    undefined,
  );
  return newest === undefined ? [] : ofMonth.filter(({ name }) => folderOf(name) === folderOf(newest.name));
}

const folderOf = (name: string): string => name.slice(0, name.lastIndexOf('/') + 1);
