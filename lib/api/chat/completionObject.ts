import type { Completion, FinishedChoice, Receipt, TokenUsage } from '#core/inference/types.ts';
import { formatCredits } from '#core/shared/money.ts';

/** A whole answer as OpenAI's `chat.completion` or `text_completion` object. */
export function completionObject(completion: Completion) {
  const isChat = completion.operation === 'chat.completion';
  return {
    id: completion.id,
    object: completion.operation,
    created: completion.createdSec,
    model: completion.model,
    system_fingerprint: completion.receipt.adapter,
    choices: isChat ? completion.choices.map(chatChoice) : completion.choices.map(textChoice),
    usage: usageObject(completion.usage),
  };
}

const chatChoice = (choice: FinishedChoice) => ({
  index: choice.index,
  message: {
    role: 'assistant',
    content: choice.content ?? (choice.toolCalls.length === 0 ? '' : null),
    refusal: null,
    ...(choice.toolCalls.length === 0 ? {} : { tool_calls: choice.toolCalls }),
  },
  logprobs: null,
  finish_reason: choice.finishReason,
});

const textChoice = (choice: FinishedChoice) => ({
  index: choice.index,
  text: choice.content ?? '',
  logprobs: null,
  finish_reason: choice.finishReason,
});

export const usageObject = ({ inputTokens, outputTokens }: TokenUsage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
});

/** The `tunegate` extension of a stream's last chunk: what a plain answer says in its headers. */
export const receiptObject = (receipt: Receipt) => ({
  cost: formatCredits(receipt.costMicro),
  balance: formatCredits(receipt.balanceMicro),
  adapter: receipt.adapter,
});

/** What `x-tunegate-adapter` says when the bare base model answered. */
const NO_ADAPTER = 'none';

export const adapterHeader = (adapter: string | null) => ({ 'x-tunegate-adapter': adapter ?? NO_ADAPTER });

export const receiptHeaders = (receipt: Receipt) => ({
  ...adapterHeader(receipt.adapter),
  'x-tunegate-cost': formatCredits(receipt.costMicro),
  'x-tunegate-balance': formatCredits(receipt.balanceMicro),
});
