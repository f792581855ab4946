import Table from 'cli-table3';
import type { JsonObject } from './apiClient.ts';

/** A column of a table: its title, and the field that it shows; `a.b` is a field within a field. */
export type Column = {
  readonly title: string;
  readonly field: string;
  /** `money`: `{minor_units, currency}`, or minor units of the row's own `currency`, as `1,250.00 USD`. `chosen`: `[{id, quantity}]` as `2 × model`. */
  readonly as?: 'text' | 'time' | 'list' | 'money' | 'chosen';
  readonly align?: 'left' | 'right';
};

/** Where a command writes; `json` when the caller wants it for a program. */
export type Printer = {
  readonly list: (body: JsonObject, columns: readonly Column[], empty: string) => void;
  readonly record: (body: JsonObject, fields: readonly Column[]) => void;
  /** A list within a record that was printed before: for people, since a program has it in the record. */
  readonly part: Printer['list'];
  /** Said to people only: a program reads the fields. */
  readonly say: (text: string) => void;
};

export function makePrinter(write: (text: string) => void, json: boolean): Printer {
  if (json) {
    const dump = (body: JsonObject) => write(`${JSON.stringify(body, null, 2)}\n`);
    return { list: dump, record: dump, part: () => undefined, say: () => undefined };
  }
  const list: Printer['list'] = (body, columns, empty) => {
    const rows = rowsOf(body);
    write(rows.length === 0 ? `${empty}\n` : `${table(columns, rows)}\n`);
    if (body['has_more'] === true) write(`There are more: add --cursor ${String(body['next_cursor'])}\n`);
  };
  return {
    list,
    part: list,
    record: (body, fields) => {
      const width = Math.max(...fields.map(({ title }) => title.length));
      for (const field of fields) write(`${field.title.padEnd(width)}  ${cell(body, field)}\n`);
    },
    say: (text) => write(`${text}\n`),
  };
}

/** The records in a list's answer. */
export const rowsOf = (body: JsonObject): readonly JsonObject[] =>
  Array.isArray(body['data']) ? body['data'].filter(isObject) : [];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Plain columns, no lines and no colours: they survive a pipe, a log and a screen reader. */
function table(columns: readonly Column[], rows: readonly JsonObject[]): string {
  const bare = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  bare.push(...rows.map((row) => columns.map((column) => cell(row, column))));
  return bare
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

function cell(row: JsonObject, { field, as = 'text' }: Column): string {
  const value = field.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), row);
  if (value === null || value === undefined) return '-';
  if (as === 'time' && typeof value === 'number') return timeText(value);
  if (as === 'list' && Array.isArray(value)) return value.length === 0 ? '-' : value.join(' ');
  if (as === 'money' && isObject(value)) return moneyText(value);
  if (as === 'money') return moneyText({ minor_units: value, currency: row['currency'] });
  if (as === 'chosen' && Array.isArray(value)) return chosenText(value);
  return typeof value === 'object' ? JSON.stringify(value) : printable(String(value));
}

/** Unix seconds as `2026-11-22 03:49:28`, in UTC. */
const timeText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** `1,250.00 USD`: how many decimals a currency has is the currency's. A part of a minor unit is shown as it is. */
function moneyText({ minor_units, currency }: JsonObject): string {
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return '-';
  const style = { style: 'currency', currency } as const;
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', style).resolvedOptions();
  const amount = Number(minor_units) / 10 ** digits;
  const decimals = { minimumFractionDigits: digits, maximumFractionDigits: digits + 6 };
  return `${new Intl.NumberFormat('en', decimals).format(amount)} ${currency}`;
}

const chosenText = (chosen: readonly unknown[]): string =>
  chosen.length === 0
    ? '-'
    : chosen
        .filter(isObject)
        .map(({ id, quantity }) => printable(`${String(quantity)} × ${String(id)}`))
        .join(', ');

/** Names come from outside: control characters in them must not reach the terminal. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '�');
