import * as z from 'zod/mini';
import { describeOne } from '#core/shared/describeIssue.ts';
import { ChatLine, type ChatMessage, PromptLine } from './exampleSchema.ts';
import { DATASET_LIMITS } from './limits.ts';
import { readJsonLine } from './readJsonLine.ts';
import type { Example, ExampleMessage, LineFault } from './types.ts';

export type ReadLine =
  | { readonly kind: 'blank' }
  | { readonly kind: 'example'; readonly example: Example; readonly converted: boolean }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[] };

const MAX_FIELD_LENGTH = 120;

type Fault = Omit<LineFault, 'line'>;

/** Reads a line as an example. A line that is none tells all that is wrong with it, up to a limit. */
export function readExample(bytes: Uint8Array): ReadLine {
  const json = readJsonLine(bytes);
  if (!json.ok) return faulty([{ field: null, ...json.error }]);
  const value = json.value;
  if (value === undefined) return { kind: 'blank' };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return faulty([NOT_AN_OBJECT]);
  return 'prompt' in value && !('messages' in value) ? readPrompt(value) : readChat(value);
}

function readPrompt(value: object): ReadLine {
  const parsed = z.safeParse(PromptLine, value, { reportInput: true });
  if (!parsed.success) return faulty(faultsOf(parsed.error));
  const { prompt, completion } = parsed.data;
  const messages: readonly ExampleMessage[] = [
    { role: 'user', content: prompt },
    // The older form wants a space in front of completions, which chat templates do not.
    { role: 'assistant', content: completion.trimStart() },
  ];
  return asExample({ messages }, true);
}

function readChat(value: object): ReadLine {
  const parsed = z.safeParse(ChatLine, value, { reportInput: true });
  if (!parsed.success) return faulty(faultsOf(parsed.error));
  const { messages, tools } = parsed.data;
  return asExample(
    { messages: messages.map(plainMessage), ...(tools === undefined ? {} : { tools }) },
    false,
  );
}

function asExample(example: Example, converted: boolean): ReadLine {
  const faults = conversationFaults(example.messages);
  return faults.length === 0 ? { kind: 'example', example, converted } : faulty(faults);
}

/** The message with its fields in the canonical order, and nothing optional that is empty. */
function plainMessage(message: ChatMessage): ExampleMessage {
  const name = 'name' in message && message.name !== undefined ? { name: message.name } : {};
  const head = { role: message.role, content: plainContent(message.content), ...name };
  if (message.role === 'tool') return { ...head, tool_call_id: message.tool_call_id };
  if (message.role !== 'assistant') return head;
  return {
    ...head,
    ...(message.weight === undefined ? {} : { weight: message.weight }),
    ...(message.tool_calls === undefined ? {} : { tool_calls: message.tool_calls }),
  };
}

function plainContent(content: ChatMessage['content']): string | null {
  if (content === null || content === undefined || typeof content === 'string') return content ?? null;
  return content.map((part) => part.text).join('\n');
}

/** What a schema cannot say: that there is a question, and at the end an answer to learn. */
function conversationFaults(messages: readonly ExampleMessage[]): readonly Fault[] {
  const faults: Fault[] = [];
  if (!messages.some(({ role }) => role === 'user')) {
    faults.push({
      field: 'messages',
      code: 'no_user_message',
      message: "'messages' has no message of the user.",
      fix: 'Add what the user says, as {"role": "user", "content": "…"}.',
    });
  }
  const last = messages.length - 1;
  for (const [at, { role, content, tool_calls }] of messages.entries()) {
    if (at === last && role !== 'assistant') {
      faults.push({
        field: `messages[${at}].role`,
        code: 'no_answer',
        message: `The last message is of the ${role}, so there is no answer to learn.`,
        fix: 'End with {"role": "assistant", "content": "…"}: what the model should have said.',
      });
    }
    if (role === 'assistant' && tool_calls === undefined && (content ?? '').trim() === '') {
      faults.push({
        field: `messages[${at}].content`,
        code: 'no_answer',
        message: `'messages[${at}].content' is an empty answer.`,
        fix: 'Write what the assistant should say, or remove the message.',
      });
    }
  }
  if (messages.some(({ weight }) => weight === 0) && !messages.slice(1).some(isLearnt)) {
    faults.push({
      field: 'messages',
      code: 'no_answer',
      message: 'All messages of the assistant have the weight 0, so there is no answer to learn.',
      fix: 'Leave out the weight of what the model should say.',
    });
  }
  return faults.slice(0, DATASET_LIMITS.faultsPerLine);
}

const isLearnt = ({ role, weight }: ExampleMessage): boolean => role === 'assistant' && weight !== 0;

const faulty = (faults: readonly Fault[]): ReadLine => ({ kind: 'faulty', faults });

const NOT_AN_OBJECT: Fault = {
  field: null,
  code: 'not_an_object',
  message: 'The line is JSON, but not an object.',
  fix: 'Write {"messages": […]} on each line, not one list around all of them.',
};

function faultsOf(error: z.core.$ZodError): readonly Fault[] {
  return error.issues.slice(0, DATASET_LIMITS.faultsPerLine).map((issue) => {
    const { path, message } = describeOne(issue);
    const field = path === '' ? null : clipped(path);
    return {
      field,
      code: codeOf(issue),
      message: `${field === null ? 'The line' : `'${field}'`} ${message}.`,
      fix: fixOf(issue, field ?? ''),
    };
  });
}

const isMissing = (issue: z.core.$ZodIssue): boolean => 'input' in issue && issue.input === undefined;

/** A field's name comes from the file and may be as long as its line. */
const clipped = (path: string): string =>
  path.length <= MAX_FIELD_LENGTH ? path : `${path.slice(0, MAX_FIELD_LENGTH).toWellFormed()}…`;

function codeOf(issue: z.core.$ZodIssue): Fault['code'] {
  if (issue.code === 'unrecognized_keys') return 'unknown_field';
  return isMissing(issue) ? 'missing_field' : 'invalid_field';
}

function fixOf(issue: z.core.$ZodIssue, field: string): string {
  if (issue.code === 'unrecognized_keys') return `Remove ${field}; only OpenAI's chat format is read.`;
  if (field.endsWith('.role')) return 'Use system, developer, user, assistant or tool.';
  if (field.endsWith('.content')) return 'Write the text itself, as a string.';
  if (field === 'messages')
    return 'Write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.';
  return isMissing(issue) ? `Add ${field}.` : `Correct ${field === '' ? 'the line' : field}.`;
}
