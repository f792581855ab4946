import type { Conversation } from './examples.ts';
import { shuffled } from './random.ts';

/** How a conversation is varied each time it is trained on. For sorting tasks with few examples; zero leaves it alone. */
export type Augmentation = {
  /** The chance of each word of the last question to be left out. */
  readonly wordDropout: number;
  /** The chance that another question with the same answer is put behind. */
  readonly joinSameAnswer: number;
  /** The chance of the last question's words to be put in another order. */
  readonly shuffleWords: number;
};

const MIN_WORDS_LEFT = 2;

/**
 * Varies conversations so that a small model learns what decides the answer instead of whole sentences by heart.
 * The answer always stays as it is.
 */
export function augment(
  conversations: readonly Conversation[],
  { wordDropout, joinSameAnswer, shuffleWords }: Augmentation,
  random: () => number,
): readonly Conversation[] {
  const byAnswer = Map.groupBy(conversations, (conversation) => conversation.answer);
  return conversations.map((conversation) => {
    const siblings = byAnswer.get(conversation.answer) ?? [conversation];
    const other = siblings[Math.floor(random() * siblings.length)];
    const joined = random() < joinSameAnswer && other !== undefined ? [other] : [];
    const question = [conversation, ...joined]
      .map((part) => dropWords(part.prompt.at(-1)?.content ?? '', wordDropout, random))
      .map((text) => (random() < shuffleWords ? shuffled(text.split(' '), random).join(' ') : text))
      .join(' ');
    const last = conversation.prompt.at(-1);
    if (last === undefined) return conversation;
    return { ...conversation, prompt: [...conversation.prompt.slice(0, -1), { ...last, content: question }] };
  });
}

function dropWords(text: string, chance: number, random: () => number): string {
  const words = text.split(' ');
  const kept = words.filter(() => random() >= chance);
  return kept.length < Math.min(MIN_WORDS_LEFT, words.length) ? text : kept.join(' ');
}
