import { expect, test } from 'vitest';
import { explainTraining } from '#core/pricing/explainTraining.ts';
import { bookWith } from '#test/builders/prices.ts';

const book = bookWith({
  model: 'tunegate-nano',
  perRequest: '0.002',
  perMillionInputTokens: '3',
  perMillionTrainingTokens: '8.000001',
});

test('a training is priced by its tokens alone, with the exact share shown and the sum rounded up', () => {
  const training = { tenantId: 'ten_1', model: 'tunegate-nano', tokens: 40_872 };
  const { steps, amountMicro } = explainTraining(book, training);
  expect(amountMicro).toBe(326_977);
  expect(steps.map(({ step, detail }) => `${step}: ${detail}`)).toEqual([
    'price book: test version 1, in force from 2020-01-01T00:00:00.000Z',
    'line: for the model tunegate-nano, every tenant',
    'training: 40872 tokens × 8.000001 a million = 0.326976040872',
    'price: 0.326977 credits: rounded up to a millionth, and never more than was quoted',
  ]);
});

test('a base model without a line has no price', () => {
  const other = explainTraining(book, { tenantId: 'ten_1', model: 'another', tokens: 1 });
  expect(other.amountMicro).toBeNull();
});
