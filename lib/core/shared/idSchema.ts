import * as z from 'zod/mini';
import { ID_PREFIXES, type IdKind, parseId } from './ids.ts';

/** A schema of texts that are ids of this kind, for the boundary: what passes is branded. */
export const idSchema = <T extends string>(kind: IdKind) =>
  z.pipe(
    z.string(),
    z.transform((text, context): T => {
      const id = parseId<T>(kind, text);
      if (id !== undefined) return id;
      context.issues.push({
        code: 'custom',
        message: `must be an id that begins with ${ID_PREFIXES[kind]}`,
        input: text,
      });
      return z.NEVER;
    }),
  );
