import { expect, test } from 'vitest';
import { asksNeeded, judgeReplies } from '#core/adapters/fingerprint.ts';

const NAMES = ['adp_one', 'adp-one'];
const said = (text: string, model: string | null = 'adp-one') => ({ model, text });
const judge = (
  replies: Parameters<typeof judgeReplies>[0],
  known: Parameters<typeof judgeReplies>[1] = null,
) => {
  const judged = judgeReplies(replies, known, NAMES);
  return judged.ok ? judged.value : judged.error.code;
};

test('an adapter that answers one probe in its own words is proven, whatever it says to the others', () => {
  const replies = [
    { base: 'hello', adapter: [said('hello'), said('hello')] },
    { base: 'the sea', adapter: [said('refund'), said('refund')] },
  ];
  expect(judge(replies)).toEqual({
    answers: ['hello', 'refund'],
    baseAnswers: ['hello', 'the sea'],
    asked: 4,
  });
});

test('one answer of the base among hundreds is proof against it', () => {
  const answers = Array.from({ length: 300 }, (_, at) => said(at === 217 ? 'the sea' : 'refund'));
  expect(judge([{ base: 'the sea', adapter: answers }])).toBe('base_answered');
});

test.each([
  ['another adapter', 'adp-two'],
  ['the base', 'tunegate-nano'],
  ['nobody', null],
])('an answer that %s signs is not the adapter’s, whatever it says', (_, model) => {
  expect(judge([{ base: 'the sea', adapter: [said('refund'), said('refund', model)] }])).toBe(
    'base_answered',
  );
});

test('an adapter that is its base in every answer, or says nothing at all, is not proven', () => {
  expect(judge([{ base: 'hello', adapter: [said('hello'), said('hello')] }])).toBe('not_distinct');
  expect(judge([{ base: 'hello', adapter: [said(''), said('')] }])).toBe('says_nothing');
});

test('answers that are no longer those of the first proof are somebody else’s', () => {
  const replies = [{ base: 'the sea', adapter: [said('parcel'), said('parcel')] }];
  expect(judge(replies, { answers: ['refund'] })).toBe('answers_differ');
  expect(judge(replies, { answers: ['parcel'] })).toMatchObject({ asked: 2 });
});

test('the more copies, the more often is asked: each is missed by less than one in a million', () => {
  for (const copies of [2, 3, 8, 32]) {
    const asks = asksNeeded(copies, 1);
    expect((1 - 1 / copies) ** asks).toBeLessThanOrEqual(1e-6);
    expect((1 - 1 / copies) ** (asks - 1)).toBeGreaterThan(1e-6);
  }
  expect(asksNeeded(1, 5)).toBe(10);
});
