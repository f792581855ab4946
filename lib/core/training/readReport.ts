import * as z from 'zod/mini';

/** What a job needs to know of a file, from the report of its check. */
export type FileReport = {
  readonly examples: number;
  readonly tokens: {
    readonly baseModel: string;
    readonly total: number;
    readonly overContext: number;
  } | null;
  /** Whether the answers are few and repeat. */
  readonly hasClasses: boolean;
};

const Report = z.object({
  valid: z.boolean(),
  statistics: z.object({
    examples: z.int(),
    tokens: z.nullable(z.object({ base_model: z.string(), total: z.int(), over_context: z.int() })),
    classes: z.nullable(z.array(z.unknown())),
  }),
});

/** Reads the stored report of a file's check (`reportDocument`). Throws for what is none: we wrote it. */
export function readReport(text: string): FileReport {
  const { statistics } = z.parse(Report, JSON.parse(text));
  const { examples, tokens, classes } = statistics;
  return {
    examples,
    tokens:
      tokens === null
        ? null
        : { baseModel: tokens.base_model, total: tokens.total, overContext: tokens.over_context },
    hasClasses: classes !== null,
  };
}

/** A stored text, whole; undefined where there is none. Throws above the limit. */
export async function readText(
  chunks: AsyncIterable<Uint8Array> | undefined,
  maxBytes: number,
): Promise<string | undefined> {
  if (chunks === undefined) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`a stored text has more than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
