import * as z from 'zod/mini';
import { ID_PREFIXES, type IdKind, parseId } from './ids.ts';
import { type MicroCredits, micro } from './money.ts';

/** A branded id of one kind. */
export const idSchema = <T extends string>(kind: IdKind) =>
  z.pipe(
    z.string(),
    z.transform((text, context): T => {
      const id = parseId<T>(kind, text);
      if (id !== undefined) return id;
      context.issues.push({
        code: 'custom',
        message: `expected an id that begins with ${ID_PREFIXES[kind]}`,
        input: text,
      });
      return z.NEVER;
    }),
  );

/** A safe integer of micro-credits. */
export const microSchema = z.pipe(
  z.int(),
  z.transform((value): MicroCredits => micro(value)),
);
