import { pipeline } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse';
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
/** Tags make rows long; what is longer is no cost and usage report. */
const MAX_ROW_BYTES = 1_000_000;
const NAMES = Object.keys(COLUMNS) as readonly Name[];

/** One line item, as texts. */
export type ExportRow = Readonly<Record<Name, string>> & { readonly where: string };

/** The rows of one file of an export, CSV, CSV.gz or Parquet, one after the other, so that its size does not matter. */
export const rowsOf = (file: ExportFile): AsyncGenerator<ExportRow> =>
  /\.parquet$/i.test(file.name) ? parquetRows(file) : csvRows(file);

async function* csvRows(file: ExportFile): AsyncGenerator<ExportRow> {
  let columns: ReadonlyMap<string, number> | undefined;
  for await (const { info, record } of csvRecords(file)) {
    if (columns === undefined) {
      columns = new Map(record.map((name, index) => [name.trim().toLowerCase(), index]));
      checkColumns(file, columns);
      continue;
    }
    const at = columns;
    yield rowFrom((column) => record[at.get(column) ?? -1] ?? '', `${file.name}, line ${info.lines}`);
  }
}

type CsvRecord = { readonly record: readonly string[]; readonly info: { readonly lines: number } };

async function* csvRecords(file: ExportFile): AsyncGenerator<CsvRecord> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
  });
  const unpacked = file.name.endsWith('.gz') ? [createGunzip()] : [];
  // What fails on the way ends the parser with that error, and so the loop.
  pipeline([await file.stream(), ...unpacked, parser], () => undefined);
  try {
    yield* parser;
  } catch (error) {
    throw unreadable(file, error);
  }
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
