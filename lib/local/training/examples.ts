import * as z from 'zod/mini';
import type { BaseTokenizer } from '#io/tokenizers.ts';

/** A conversation to learn from: all of its tokens, and where the answer begins. */
export type Example = { readonly tokens: readonly number[]; readonly answerFrom: number };

export type Conversation = {
  readonly prompt: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly answer: string;
};

const Line = z.strictObject({
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .check(z.minLength(2)),
});

/** Reads OpenAI's chat format, one JSON a line, the last message being the answer. Throws with the line's number. */
export function readConversations(jsonl: string): readonly Conversation[] {
  return jsonl
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const parsed = z.safeParse(Line, JSON.parse(line));
      const answer = parsed.data?.messages.at(-1);
      if (answer?.role !== 'assistant')
        throw new Error(`line ${index + 1} is no conversation that ends with an answer`);
      return { prompt: parsed.data?.messages.slice(0, -1) ?? [], answer: answer.content };
    });
}

/** Tokens exactly as serving makes them, the answer closed with the end of turn. Throws when one exceeds the context. */
export function makeExample(
  tokenizer: BaseTokenizer,
  conversation: Conversation,
  limits: { readonly endToken: number; readonly contextTokens: number },
): Example {
  const prompt = tokenizer.encodePrompt(tokenizer.chatPrompt(conversation.prompt));
  const tokens = [...prompt, ...tokenizer.encodeText(conversation.answer), limits.endToken];
  if (tokens.length > limits.contextTokens) {
    throw new Error(
      `a conversation has ${tokens.length} tokens, the base's context is ${limits.contextTokens}`,
    );
  }
  return { tokens, answerFrom: prompt.length };
}
