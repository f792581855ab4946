import * as z from 'zod/mini';
import { type AccountLimits, LIMIT_KINDS } from '#core/limits/types.ts';

const count = z.record(z.string(), z.int());
const counter = z.object({ max: z.int(), since: z.int(), sum: z.int(), at: count });

/** Limits as they lie in the account's item. */
export const limitsSchema = z.object({
  revision: z.int(),
  timeZone: z.string(),
  scopes: z.record(
    z.string(),
    z.object({
      requests: z.exactOptional(counter),
      tokens: z.exactOptional(counter),
      calls: z.exactOptional(counter),
      day: z.exactOptional(counter),
      month: z.exactOptional(counter),
      slow: z.exactOptional(z.object({ max: z.int(), untilMs: z.int() })),
    }),
  ),
  onUnusual: z.exactOptional(z.object({ requests: z.int(), minutes: z.int() })),
});

/** What a hold was counted as. */
export const countedSchema = z.object({
  revision: z.int(),
  atMs: z.int(),
  tokens: z.exactOptional(z.int()),
  ended: z.exactOptional(z.literal(true)),
});

/** Parts of an update of the account's item, to be put together with others. */
export type Parts = {
  readonly sets: string[];
  readonly removes: string[];
  readonly conditions: string[];
  readonly names: Record<string, string>;
  readonly values: Record<string, unknown>;
};

/** Parts with nothing in them, and how to write a path into the limits with them. */
export function limitParts() {
  const parts: Parts = { sets: [], removes: [], conditions: [], names: {}, values: {} };
  const aliases = new Map<string, string>();
  const name = (text: string): string => {
    const known = aliases.get(text);
    if (known !== undefined) return known;
    const alias = `#l${aliases.size}`;
    aliases.set(text, alias);
    parts.names[alias] = text;
    return alias;
  };
  const value = (content: unknown): string => {
    const alias = `:l${Object.keys(parts.values).length}`;
    parts.values[alias] = content;
    return alias;
  };
  const path = (...names: readonly string[]): string => ['limits', ...names].map(name).join('.');
  return { parts, path, value };
}

/** The difference that a rule makes to counters, so that what others count meanwhile is kept. */
export function limitsDifference(before: AccountLimits | undefined, after: AccountLimits | undefined): Parts {
  const { parts, path, value } = limitParts();
  if (before === undefined || after === undefined) return EMPTY_PARTS;
  for (const [scope, counters] of Object.entries(before.scopes)) {
    for (const kind of LIMIT_KINDS) {
      const [was, is] = [counters[kind], after.scopes[scope]?.[kind]];
      if (was === undefined || is === undefined || was === is) continue;
      const to = (...names: readonly string[]): string => path('scopes', scope, kind, ...names);
      if (is.sum !== was.sum) parts.sets.push(`${to('sum')} = ${to('sum')} + ${value(is.sum - was.sum)}`);
      for (const place of new Set([...Object.keys(was.at), ...Object.keys(is.at)])) {
        // A name that no expression uses would refuse the whole write.
        if (was.at[place] !== is.at[place])
          writePlace({ parts, value }, to('at', place), was.at[place], is.at[place]);
      }
    }
  }
  if (parts.sets.length + parts.removes.length === 0) return EMPTY_PARTS;
  parts.conditions.push(`${path('revision')} = ${value(before.revision)}`);
  return parts;
}

const EMPTY_PARTS: Parts = { sets: [], removes: [], conditions: [], names: {}, values: {} };

function writePlace(
  { parts, value }: Pick<ReturnType<typeof limitParts>, 'parts' | 'value'>,
  to: string,
  was: number | undefined,
  is: number | undefined,
): void {
  if (is === undefined) {
    parts.removes.push(to);
    parts.conditions.push(`${to} = ${value(was)}`);
  } else if (was === undefined) {
    parts.sets.push(`${to} = if_not_exists(${to}, ${value(0)}) + ${value(is)}`);
  } else if (is !== was) {
    parts.sets.push(`${to} = ${to} + ${value(is - was)}`);
    parts.conditions.push(`attribute_exists(${to})`);
  }
}
