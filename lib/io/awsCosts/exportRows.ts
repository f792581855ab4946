import { pipeline } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { type ExportFile, UnreadableExport } from './exportFiles.ts';

/** The columns of CUR 2.0 that are read; those that are optional are empty where an export has them not. */
const NEEDED = {
  start: 'line_item_usage_start_date',
  service: 'line_item_product_code',
  resource: 'line_item_resource_id',
  cost: 'line_item_unblended_cost',
  usage: 'line_item_usage_amount',
} as const;
const OPTIONAL = {
  type: 'line_item_line_item_type',
  unit: 'pricing_unit',
  currency: 'line_item_currency_code',
} as const;
const COLUMNS = { ...NEEDED, ...OPTIONAL };
type Name = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as readonly Name[];

/** One line item, as texts. */
export type ExportRow = Readonly<Record<Name, string>> & { readonly where: string };

/** The rows of one file of an export, CSV, CSV.gz or Parquet, one after the other, so that its size does not matter. */
export const rowsOf = (file: ExportFile): AsyncGenerator<ExportRow> =>
  /\.parquet$/i.test(file.name) ? parquetRows(file) : csvRows(file);

async function* csvRows(file: ExportFile): AsyncGenerator<ExportRow> {
  let columns: ReadonlyMap<string, number> | undefined;
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    const fields = csvFields(line);
    if (columns === undefined) {
      columns = new Map(fields.map((name, index) => [name.trim().toLowerCase(), index]));
      checkColumns(file, columns);
      continue;
    }
    const at = columns;
    yield rowFrom((column) => fields[at.get(column) ?? -1] ?? '', `${file.name}, line ${number}`);
  }
}

async function* linesOf(file: ExportFile): AsyncGenerator<string> {
  const stream = await file.stream();
  // What fails on the way ends the last stream with that error, and so the loop.
  const unpacked = file.name.endsWith('.gz') ? pipeline(stream, createGunzip(), () => undefined) : stream;
  unpacked.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of unpacked) {
      const lines = `${rest}${chunk}`.split(/\r?\n/);
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  if (rest !== '') yield rest;
}

/** AWS writes Snappy, which the reader knows by itself. */
const compressors = { GZIP: (input: Uint8Array): Uint8Array => gunzipSync(input) };

async function* parquetRows(file: ExportFile): AsyncGenerator<ExportRow> {
  const source = {
    byteLength: file.sizeBytes,
    slice: (start: number, end?: number) =>
      file.slice(start < 0 ? file.sizeBytes + start : start, end ?? file.sizeBytes),
  };
  const metadata = await orUnreadable(file, () => parquetMetadataAsync(source));
  const present = new Map(
    metadata.schema.slice(1).map(({ name }, index) => [name.toLowerCase(), index] as const),
  );
  checkColumns(file, present);
  const columns = NAMES.map((name) => COLUMNS[name]).filter((name) => present.has(name));
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await orUnreadable(file, () =>
      parquetReadObjects({ file: source, metadata, columns: [...columns], rowStart, rowEnd, compressors }),
    );
    for (const [index, row] of rows.entries()) {
      yield rowFrom((column) => textOf(row[column]), `${file.name}, row ${rowStart + index + 1}`);
    }
    rowStart = rowEnd;
  }
}

const textOf = (value: unknown): string =>
  value instanceof Date
    ? value.toISOString()
    : value === null || value === undefined
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);

async function orUnreadable<T>(file: ExportFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(file, error);
  }
}

const unreadable = ({ name }: ExportFile, error: unknown): UnreadableExport =>
  error instanceof UnreadableExport
    ? error
    : new UnreadableExport(
        `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );

function checkColumns({ name }: ExportFile, present: ReadonlyMap<string, unknown>): void {
  for (const column of Object.values(NEEDED)) {
    if (!present.has(column))
      throw new UnreadableExport(
        `${name} has no column ${column}: export a cost and usage report (CUR 2.0) with resource ids`,
      );
  }
}

const rowFrom = (fieldOf: (column: string) => string, where: string): ExportRow => ({
  start: fieldOf(COLUMNS.start),
  service: fieldOf(COLUMNS.service),
  resource: fieldOf(COLUMNS.resource),
  cost: fieldOf(COLUMNS.cost),
  usage: fieldOf(COLUMNS.usage),
  type: fieldOf(COLUMNS.type),
  unit: fieldOf(COLUMNS.unit),
  currency: fieldOf(COLUMNS.currency),
  where,
});

/** The fields of a line; quotes around a field, doubled inside of it. */
function csvFields(line: string): readonly string[] {
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
  }
  return fields;
}
