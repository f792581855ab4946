import * as z from 'zod/mini';
import { err, ok, type Result } from '#core/shared/result.ts';
import { unsupported } from './parameters.ts';
import type { ChatMessage, InferenceRefused } from './types.ts';

export const MAX_MESSAGES = 2_048;

/** Read loosely, so that a part we cannot take is refused by name and not as "not a text". */
const Part = z.looseObject({ type: z.string(), text: z.optional(z.string()) });
const Content = z.union([z.string(), z.array(Part).check(z.minLength(1))]);
const name = z.nullish(z.string().check(z.maxLength(64)));

const ToolCallSchema = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
  /** Clients that collect a stream send its index back. */
  index: z.optional(z.int()),
});

/** Fields of our own answers that clients send back with the conversation, at the value that says nothing. */
const echoed = {
  refusal: z.nullish(z.literal(null)),
  audio: z.nullish(z.literal(null)),
  function_call: z.nullish(z.literal(null)),
  annotations: z.nullish(z.array(z.never())),
};

const Message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('developer'), content: Content, name }),
  z.strictObject({ role: z.literal('system'), content: Content, name }),
  z.strictObject({ role: z.literal('user'), content: Content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.nullish(Content),
    name,
    tool_calls: z.nullish(z.array(ToolCallSchema)),
    ...echoed,
  }),
  z.strictObject({ role: z.literal('tool'), content: Content, tool_call_id: z.string() }),
]);

export const Messages = z.array(Message).check(z.minLength(1), z.maxLength(MAX_MESSAGES));

/** Puts messages into the engine's form. Errors: unsupported_parameter for parts that are not text, invalid_request. */
export function toChatMessages(
  messages: z.infer<typeof Messages>,
): Result<readonly ChatMessage[], InferenceRefused> {
  const out: ChatMessage[] = [];
  for (const [index, message] of messages.entries()) {
    const text = textOf(message.content, `messages[${index}].content`);
    if (!text.ok) return text;
    const chat = toChatMessage(message, text.value);
    if (chat === undefined) {
      const param = `messages[${index}].content`;
      return err({
        code: 'invalid_request',
        message: `${param} is missing: give a text or tool_calls.`,
        param,
      });
    }
    out.push(chat);
  }
  return ok(out);
}

function toChatMessage(message: z.infer<typeof Message>, content: string | null): ChatMessage | undefined {
  const named = 'name' in message && typeof message.name === 'string' ? { name: message.name } : {};
  if (message.role === 'assistant') {
    const calls = message.tool_calls ?? [];
    if (content === null && calls.length === 0) return undefined;
    const toolCalls = calls.map(({ id, type, function: called }) => ({ id, type, function: called }));
    return { role: 'assistant', content, ...named, ...(calls.length > 0 ? { tool_calls: toolCalls } : {}) };
  }
  if (content === null) return undefined;
  if (message.role === 'tool') return { role: 'tool', content, tool_call_id: message.tool_call_id };
  return { role: message.role === 'user' ? 'user' : 'system', content, ...named };
}

/** Text parts become one text, a line each, as vLLM joins them. */
function textOf(
  content: z.infer<typeof Content> | null | undefined,
  path: string,
): Result<string | null, InferenceRefused> {
  if (typeof content === 'string') return ok(content);
  if (content === null || content === undefined) return ok(null);
  const texts: string[] = [];
  for (const [index, part] of content.entries()) {
    if (part.type !== 'text') {
      return err(
        unsupported(
          `${path}[${index}].type`,
          `${path}[${index}] is of type ${part.type.slice(0, 32)}: this model takes text only.`,
        ),
      );
    }
    if (part.text === undefined) {
      const param = `${path}[${index}].text`;
      return err({ code: 'invalid_request', message: `${param} must be a string`, param });
    }
    const extra = Object.keys(part).find((key) => key !== 'type' && key !== 'text');
    if (extra !== undefined) {
      return err(
        unsupported(
          `${path}[${index}].${extra}`,
          `${path}[${index}] has a field that is not known here. Leave it out.`,
        ),
      );
    }
    texts.push(part.text);
  }
  return ok(texts.join('\n'));
}
