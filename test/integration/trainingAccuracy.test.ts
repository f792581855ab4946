import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseAugmentation, chooseParameters } from '#core/training/chooseParameters.ts';
import { startTestTraining, type TestTraining } from '#test/builders/trainingApi.ts';
import intents from '#test/data/telecomIntents.json' with { type: 'json' };

const SYSTEM = 'You sort messages of customers of a telephone company. Answer with one label.';
const MAX_LABEL_TOKENS = 16;

type Question = { readonly content: string; readonly label: string };
// Written for this: the held-out sentences were not made from the pattern of any that is learnt.
const questions = (kind: 'learnt' | 'heldOut'): readonly Question[] =>
  Object.entries(intents).flatMap(([label, sentences]) =>
    sentences[kind].map((content) => ({ content, label })),
  );
const prompt = (content: string) => [
  { role: 'system', content: SYSTEM },
  { role: 'user', content },
];
const lines = (examples: readonly Question[]): string =>
  examples
    .map(({ content, label }) => ({
      messages: [...prompt(content), { role: 'assistant', content: label }],
    }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');

// Minutes of work, so only in `npm run test:deep`.
describe.skipIf(process.env['TUNEGATE_DEEP'] === undefined)('what an adapter learns', () => {
  let training: TestTraining;
  beforeAll(async () => {
    training = await startTestTraining();
  });
  afterAll(() => training.stop());

  /** The share of held-out questions that a component answers to the letter. */
  async function exactMatch(component: string): Promise<number> {
    const asked = questions('heldOut');
    let exact = 0;
    for (const { content, label } of asked) {
      const body = { messages: prompt(content), max_tokens: MAX_LABEL_TOKENS, temperature: 0 };
      const answer = await training.sageMaker().invoke(component, body);
      exact += Number(answer.choices[0]?.message.content === label);
    }
    return exact / asked.length;
  }

  test('thirteen intents from few sentences: nine of ten others are sorted right, and none by the base', async () => {
    const learnt = questions('learnt');
    const { epochs, batchSize, rank } = chooseParameters({}, learnt.length);
    const settings = { epochs, batchSize, rank, validationShare: 0, ...chooseAugmentation(true) };
    await training.create('telecom', { train: lines(learnt), settings });
    const job = await training.until('telecom', ({ TrainingJobStatus }) => TrainingJobStatus === 'Completed');
    await training.sageMaker().deploy('telecom', job.ModelArtifacts?.S3ModelArtifacts ?? '');

    const adapted = await exactMatch('telecom');
    console.log({ heldOutExactMatch: adapted, trainingSeconds: job.TrainingTimeInSeconds });
    expect(await exactMatch('tunegate-nano')).toBeLessThan(0.05);
    expect(adapted).toBeGreaterThanOrEqual(0.9);
  });
});
