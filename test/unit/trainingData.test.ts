import { expect, test } from 'vitest';
import { canonicalLine } from '#core/datasets/canonicalLine.ts';
import { readExample } from '#core/datasets/readExample.ts';
import { cutPasses } from '#local/training/batch.ts';
import { readTurns } from '#local/training/examples.ts';

const system = { role: 'system', content: 'Be brief.' };
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string, more: object = {}) => ({ role: 'assistant', content, ...more });
const line = (...messages: object[]): string => JSON.stringify({ messages });

test('every answer of a conversation is asked as serving would ask for it', () => {
  const [turns] = readTurns(line(system, user('a'), assistant('b'), user('c'), assistant('d')));
  expect(turns).toMatchObject([
    { prompt: [system, user('a')], answer: 'b' },
    { prompt: [system, user('a'), assistant('b'), user('c')], answer: 'd' },
  ]);
});

test('an answer of weight 0 is not learnt, and is still part of what comes before the next', () => {
  const [turns] = readTurns(line(user('a'), assistant('b', { weight: 0 }), user('c'), assistant('d')));
  expect(turns).toMatchObject([{ prompt: [user('a'), assistant('b'), user('c')], answer: 'd' }]);
});

test('a developer speaks as the system', () => {
  const [turns] = readTurns(line({ role: 'developer', content: 'Be brief.' }, user('a'), assistant('b')));
  expect(turns?.[0]?.prompt[0]).toEqual(system);
});

test('a trainer reads whatever a dataset version may hold, and shows the model what serving shows it', () => {
  const tools = [{ type: 'function', function: { name: 'track', parameters: { type: 'object' } } }];
  const messages = [
    { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }], name: 'shop' },
    { role: 'user', content: 'a', name: 'ann' },
    { role: 'assistant', content: 'b', name: 'bot', weight: 1 },
  ];
  const read = readExample(Buffer.from(JSON.stringify({ messages, tools })));
  if (read.kind !== 'example') throw new Error(JSON.stringify(read));
  expect(readTurns(canonicalLine(read.example))).toEqual([
    [{ prompt: [system, user('a')], answer: 'b', tools, weight: 1 }],
  ]);
});

test('passes hold every example once, within the bound unless one alone is longer', () => {
  const lengths = [5, 90, 12, 7, 33, 5, 200, 41];
  const examples = lengths.map((length) => ({ tokens: new Array<number>(length).fill(1), answerFrom: 1 }));
  const passes = cutPasses(examples, 100);
  expect(
    passes
      .flat()
      .map(({ tokens }) => tokens.length)
      .toSorted((a, b) => a - b),
  ).toEqual(lengths.toSorted((a, b) => a - b));
  for (const pass of passes) {
    const read = pass.reduce((sum, { tokens }) => sum + tokens.length - 1, 0);
    expect(pass.length === 1 || read <= 100).toBe(true);
  }
});

test("what examples begin with counts once in a pass, and the last tokens before an answer are each example's own", () => {
  const alike = { tokens: new Array<number>(60).fill(1), answerFrom: 59 };
  // 58 tokens shared, and one more of each.
  expect(cutPasses(new Array(5).fill(alike), 62).map((pass) => pass.length)).toEqual([4, 1]);
});
