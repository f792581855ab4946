import { describe, expect, test } from 'vitest';
import { augment } from '#local/training/augment.ts';
import type { Conversation } from '#local/training/examples.ts';
import { makeRandom } from '#local/training/random.ts';

const asked = (content: string, answer: string): Conversation => ({
  prompt: [
    { role: 'system', content: 'Answer with one label.' },
    { role: 'user', content },
  ],
  answer,
});
const learnt = [
  asked('Where is my parcel now', 'parcel'),
  asked('Has my parcel been sent', 'parcel'),
  asked('Please pay me back today', 'refund'),
];
const words = (text = ''): readonly string[] => text.split(' ').toSorted();
const question = ({ prompt }: Conversation): string => prompt.at(-1)?.content ?? '';
const NONE = { wordDropout: 0, joinSameAnswer: 0, shuffleWords: 0 };

describe('variation', () => {
  test('without chances everything stays as it is', () => {
    expect(augment(learnt, NONE, makeRandom(1))).toEqual(learnt);
  });

  test('moved words are the same words, in another order', () => {
    const varied = augment(learnt, { ...NONE, shuffleWords: 1 }, makeRandom(1));
    expect(varied.map(question)).not.toEqual(learnt.map(question));
    expect(varied.map(question).map(words)).toEqual(learnt.map(question).map(words));
  });

  test('a question is only joined by one with its answer, and no answer changes', () => {
    const varied = augment(learnt, { wordDropout: 0.2, joinSameAnswer: 1, shuffleWords: 0.5 }, makeRandom(2));
    expect(varied.map(({ answer }) => answer)).toEqual(learnt.map(({ answer }) => answer));
    for (const conversation of varied) {
      const siblings = learnt.filter(({ answer }) => answer === conversation.answer);
      const known = new Set(siblings.flatMap((sibling) => words(question(sibling))));
      expect(words(question(conversation)).filter((word) => !known.has(word))).toEqual([]);
    }
  });
});
