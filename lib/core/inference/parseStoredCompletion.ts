import * as z from 'zod/mini';
import { micro } from '#core/shared/money.ts';
import type { Completion } from './types.ts';

const amount = z.pipe(z.int(), z.transform(micro));

const StoredCompletion = z.object({
  id: z.string(),
  createdSec: z.int(),
  operation: z.enum(['chat.completion', 'text_completion']),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      content: z.nullable(z.string()),
      toolCalls: z.array(
        z.object({
          id: z.string(),
          type: z.literal('function'),
          function: z.object({ name: z.string(), arguments: z.string() }),
        }),
      ),
      finishReason: z.nullable(z.string()),
    }),
  ),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int() }),
  receipt: z.object({ costMicro: amount, balanceMicro: amount, adapter: z.nullable(z.string()) }),
  broken: z.boolean(),
});

/** Reads an answer back from the JSON it was kept as. Throws when it is none: then something else wrote it. */
export const parseStoredCompletion = (json: string): Completion => StoredCompletion.parse(JSON.parse(json));
