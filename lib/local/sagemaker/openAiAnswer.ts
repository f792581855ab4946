import type { ChoiceEvent, FinishReason } from '#local/engine/engine.ts';

type Head = {
  readonly id: string;
  readonly createdSec: number;
  /** The name of the adapter (or base) that answers, as vLLM reports it. */
  readonly model: string;
  readonly operation: 'chat.completion' | 'text_completion';
  readonly choices: number;
  readonly promptTokens: number;
};

export type Answer = ReturnType<typeof makeAnswer>;

/** Collects the events of a generation and writes them as OpenAI's objects: chunks, and the whole answer. */
export function makeAnswer(head: Head) {
  const isChat = head.operation === 'chat.completion';
  const texts = Array.from({ length: head.choices }, () => '');
  const tokens = Array.from({ length: head.choices }, () => 0);
  const reasons = Array.from({ length: head.choices }, (): FinishReason | null => null);
  const common = { id: head.id, created: head.createdSec, model: head.model };
  const chunkHead = { ...common, object: isChat ? 'chat.completion.chunk' : 'text_completion' };
  const usage = (completionTokens: number) => ({
    prompt_tokens: head.promptTokens,
    completion_tokens: completionTokens,
    total_tokens: head.promptTokens + completionTokens,
  });
  const allTokens = (): number => tokens.reduce((a, b) => a + b, 0);
  const choice = (index: number, text: string, reason: FinishReason | null) => ({
    index,
    ...(isChat ? { delta: text === '' ? {} : { content: text } } : { text }),
    logprobs: null,
    finish_reason: reason,
  });

  return {
    add: (event: ChoiceEvent): void => {
      tokens[event.index] = event.tokens;
      if (event.kind === 'delta') texts[event.index] += event.text;
      else reasons[event.index] = event.reason;
    },
    /** A chat's first chunk of each choice names the role. */
    openingChunks: (withUsage: boolean): readonly unknown[] =>
      texts.flatMap((_, index) =>
        isChat
          ? [
              {
                ...chunkHead,
                choices: [
                  { index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
                ],
                ...(withUsage ? { usage: usage(0) } : {}),
              },
            ]
          : [],
      ),
    /** `withUsage`: running usage of this choice, as vLLM's `continuous_usage_stats` gives it. */
    chunk: (event: ChoiceEvent, withUsage: boolean): unknown => ({
      ...chunkHead,
      choices: [
        event.kind === 'delta'
          ? choice(event.index, event.text, null)
          : choice(event.index, '', event.reason),
      ],
      ...(withUsage ? { usage: usage(event.tokens) } : {}),
    }),
    usageChunk: (): unknown => ({ ...chunkHead, choices: [], usage: usage(allTokens()) }),
    whole: (): unknown => ({
      ...common,
      object: head.operation,
      choices: texts.map((text, index) => ({
        index,
        ...(isChat ? { message: { role: 'assistant', content: text, refusal: null } } : { text }),
        logprobs: null,
        finish_reason: reasons[index],
      })),
      usage: usage(allTokens()),
    }),
  };
}

/** OpenAI's error object, as serving containers answer it. */
export const errorAnswer = (error: {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}): unknown => ({
  error: { message: error.message, type: 'invalid_request_error', param: error.param, code: error.code },
});
