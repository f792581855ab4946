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

test('the gradients of every parameter agree with finite differences', async () => {
  const examples = await examplesOf();
  // B begins at zero, where A has no gradient; a random B shows both.
  const random = makeRandom(11);
  for (const { name, values } of trainer.parameters) {
    if (name.includes('lora_B')) for (let i = 0; i < values.length; i++) values[i] = (random() - 0.5) * 0.1;
  }
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
