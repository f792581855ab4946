import * as z from 'zod/mini';
import { DATASET_LIMITS } from './limits.ts';

const textParts = z.array(z.strictObject({ type: z.literal('text'), text: z.string() }));
const content = z.union([z.string(), textParts]);
const name = z.optional(z.string().check(z.minLength(1), z.maxLength(64)));
const text = z.string().check(z.minLength(1), z.maxLength(256));

const toolCall = z.strictObject({
  id: text,
  type: z.literal('function'),
  function: z.strictObject({ name: text, arguments: z.string() }),
});

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content, name }),
  z.strictObject({ role: z.literal('developer'), content, name }),
  z.strictObject({ role: z.literal('user'), content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.nullish(content),
    name,
    weight: z.optional(z.union([z.literal(0), z.literal(1)])),
    tool_calls: z.optional(z.array(toolCall).check(z.minLength(1), z.maxLength(128))),
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: text }),
]);

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: text,
    description: z.optional(z.string()),
    parameters: z.optional(z.record(z.string(), z.unknown())),
    strict: z.nullish(z.boolean()),
  }),
});

/** A line in chat format. Source: OpenAI's guide to supervised fine-tuning. */
export const ChatLine = z.strictObject({
  messages: z.array(message).check(z.minLength(1), z.maxLength(DATASET_LIMITS.messagesPerExample)),
  tools: z.optional(z.array(tool).check(z.minLength(1), z.maxLength(DATASET_LIMITS.toolsPerExample))),
  parallel_tool_calls: z.optional(z.boolean()),
});

/** A line of the older form, which is converted. */
export const PromptLine = z.strictObject({
  prompt: z.string().check(z.minLength(1)),
  completion: z.string().check(z.minLength(1)),
});

export type ChatMessage = z.infer<typeof message>;
