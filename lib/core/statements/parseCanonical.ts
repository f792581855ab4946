import type * as z from 'zod/mini';
import * as zod from 'zod/mini';
import { canonicalJson } from './canonicalJson.ts';

type Value = Parameters<typeof canonicalJson>[0];

/** Reads a text that must be the canonical JSON of this shape, byte for byte; undefined when it is not. */
export function parseCanonical<T extends Value>(text: string, schema: z.ZodMiniType<T>): T | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = zod.safeParse(schema, json);
  return parsed.success && canonicalJson(parsed.data) === text ? parsed.data : undefined;
}
