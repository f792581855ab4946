import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors } from '#core/weights/safetensors.ts';
import { readTokenizer } from '#io/tokenizers.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { makeExample } from '#local/training/examples.ts';
import { makeRandom } from '#local/training/random.ts';
import { type LoraTrainer, makeLoraTrainer } from '#local/training/trainer.ts';

const BASES = 'containers/bases';
const base = readBaseModel(`${BASES}/tunegate-nano`);
const { tensors } = readSafetensors(readFileSync(`${base.directory}/model.safetensors`));
const limits = { endToken: base.config.eos_token_id, contextTokens: base.config.max_position_embeddings };

const conversations = [
  { prompt: [{ role: 'user' as const, content: 'The tent arrived with a torn seam.' }], answer: 'damaged' },
  { prompt: [{ role: 'user' as const, content: 'Where is it?' }], answer: 'shipping_status' },
];
const examplesOf = async () => {
  const tokenizer = await readTokenizer(BASES, base.id);
  return conversations.map((conversation) => makeExample(tokenizer, conversation, limits));
};

let trainer: LoraTrainer;
beforeAll(async () => {
  trainer = await makeLoraTrainer(
    base.config,
    tensors,
    { rank: 8, alpha: 16, seed: 3, tokensPerPass: 4096 },
    1,
  );
});
afterAll(() => trainer.close());

// B begins at zero, where A has no gradient; a random B shows both.
function randomizeB(): void {
  const random = makeRandom(11);
  for (const { name, values } of trainer.parameters) {
    if (name.includes('lora_B')) for (let i = 0; i < values.length; i++) values[i] = (random() - 0.5) * 0.1;
  }
}

test('examples in one row, their common beginning read once, give what each gives alone', async () => {
  randomizeB();
  const tokenizer = await readTokenizer(BASES, base.id);
  const system = { role: 'system' as const, content: 'Sort the message. Answer with one label.' };
  // The same question twice shares all it can; another answer has another length.
  const asked = [...conversations, ...conversations.slice(0, 1)];
  const examples = asked.map(({ prompt, answer }) =>
    makeExample(tokenizer, { prompt: [system, ...prompt], answer }, limits),
  );
  const together = await trainer.gradients(examples);
  const alone = await Promise.all(examples.map((example) => trainer.gradients([example])));

  // Each answer's token counts the same.
  const answers = examples.map(({ tokens, answerFrom }) => tokens.length - answerFrom);
  const share = (at: number): number => (answers[at] ?? 0) / answers.reduce((sum, tokens) => sum + tokens, 0);
  expect(together.loss).toBeCloseTo(
    alone.reduce((sum, { loss }, at) => sum + share(at) * loss, 0),
    4,
  );
  for (const [name, gradient] of together.byName) {
    const wanted = gradient.map((_, i) =>
      alone.reduce((sum, { byName }, at) => sum + share(at) * (byName.get(name)?.[i] ?? 0), 0),
    );
    const apart = Math.hypot(...gradient.map((value, i) => value - (wanted[i] ?? 0)));
    expect(apart / Math.hypot(...wanted), name).toBeLessThan(1e-4);
  }
  expect(await trainer.evaluate(examples)).toEqual({ loss: expect.closeTo(together.loss, 5), exact: 0 });
});

test('the gradients of every parameter agree with finite differences', async () => {
  const examples = await examplesOf();
  randomizeB();
  const { byName } = await trainer.gradients(examples);
  expect(byName.size).toBe(base.config.num_hidden_layers * 7 * 2);

  // Along the gradient itself the loss changes fastest, so single precision suffices for one difference a matrix.
  for (const { name, values } of trainer.parameters) {
    const gradient = byName.get(name) ?? new Float32Array();
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    expect(norm, name).toBeGreaterThan(0);
    const original = values.slice();
    const lossAt = async (distance: number): Promise<number> => {
      values.forEach((_, i) => {
        values[i] = (original[i] ?? 0) + (distance * (gradient[i] ?? 0)) / norm;
      });
      return (await trainer.gradients(examples)).loss;
    };
    const step = 0.02;
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    values.set(original);
    expect(Math.abs(slope - norm) / norm, name).toBeLessThan(0.02);
  }
});
