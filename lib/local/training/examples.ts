import * as z from 'zod/mini';
import type { BaseTokenizer } from '#io/tokenizers.ts';
import { TrainingFailure } from './failures.ts';

/** A conversation to learn from: all of its tokens, and where the answer begins. */
export type Example = { readonly tokens: readonly number[]; readonly answerFrom: number };

/** One answer and what it answers. */
export type Conversation = {
  readonly prompt: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly answer: string;
  readonly tools?: readonly unknown[];
};

const name = z.optional(z.string());
const Line = z.strictObject({
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.literal('system'), content: z.string(), name }),
        z.strictObject({ role: z.literal('developer'), content: z.string(), name }),
        z.strictObject({ role: z.literal('user'), content: z.string(), name }),
        z.strictObject({
          role: z.literal('assistant'),
          content: z.string(),
          name,
          weight: z.optional(z.union([z.literal(0), z.literal(1)])),
        }),
      ]),
    )
    .check(z.minLength(2)),
  tools: z.optional(z.array(z.unknown())),
});

/** Reads OpenAI's chat format, one JSON a line, the last message being the answer. Throws with the line's number. */
export const readConversations = (jsonl: string): readonly Conversation[] =>
  readLines(jsonl).flatMap((turns) => turns.at(-1) ?? []);

/**
 * Reads every answer that is to be learnt, those of one line together: each is asked as serving would ask for it.
 * `"weight": 0` beside an answer leaves it out. Throws invalid_dataset with the line's number, never its text.
 */
export const readTurns = (jsonl: string): readonly (readonly Conversation[])[] =>
  readLines(jsonl)
    .map((turns) => turns.filter((turn) => turn.weight !== 0))
    .filter((turns) => turns.length > 0);

type Turn = Conversation & { readonly weight: 0 | 1 };

function readLines(jsonl: string): readonly (readonly Turn[])[] {
  return jsonl
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => turnsOf(line, number));
}

function turnsOf(line: string, number: number): readonly Turn[] {
  const { messages, tools } = z.safeParse(Line, parseJson(line)).data ?? {};
  if (messages?.at(-1)?.role !== 'assistant') {
    throw new TrainingFailure(
      'invalid_dataset',
      `line ${number} is no conversation of text that ends with an answer`,
    );
  }
  // As serving does it: a developer speaks as the system, and names are not shown to the model.
  const plain = messages.map(({ role, content }) => ({
    role: role === 'developer' ? ('system' as const) : role,
    content,
  }));
  return messages.flatMap((message, at) =>
    message.role === 'assistant' && at > 0
      ? [
          {
            prompt: plain.slice(0, at),
            answer: message.content,
            weight: message.weight ?? 1,
            ...(tools === undefined ? {} : { tools }),
          },
        ]
      : [],
  );
}

/** Tokens exactly as serving makes them, the answer closed with the end of turn. Throws example_too_long. */
export function makeExample(
  tokenizer: BaseTokenizer,
  conversation: Conversation,
  limits: { readonly endToken: number; readonly contextTokens: number },
): Example {
  const prompt = tokenizer.encodePrompt(tokenizer.chatPrompt(conversation.prompt, conversation.tools));
  const tokens = [...prompt, ...tokenizer.encodeText(conversation.answer), limits.endToken];
  if (tokens.length > limits.contextTokens) {
    throw new TrainingFailure(
      'example_too_long',
      `a conversation has ${tokens.length} tokens, the base's context is ${limits.contextTokens}`,
    );
  }
  return { tokens, answerFrom: prompt.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
