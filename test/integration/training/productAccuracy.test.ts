import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, upload, waitFor } from '#test/builders/fineTunedProduct.ts';
import { type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';
import intents from '#test/data/telecomIntents.json' with { type: 'json' };

const WITHIN_MS = 240_000;
const AT_ONCE = 4;
const SYSTEM = { role: 'system' as const, content: 'You sort messages of customers. Answer with one label.' };

type Question = { readonly content: string; readonly label: string };
const questions = (kind: 'learnt' | 'heldOut'): readonly Question[] =>
  Object.entries(intents).flatMap(([label, sentences]) =>
    sentences[kind].map((content) => ({ content, label })),
  );
const prompt = (content: string) => [SYSTEM, { role: 'user' as const, content }];
const file = Buffer.from(
  questions('learnt')
    .map(({ content, label }) => ({
      messages: [...prompt(content), { role: 'assistant', content: label }],
    }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join(''),
);

// Minutes of work, so only in `npm run test:deep`; the times are those of two idle cores.
describe.skipIf(process.env['TUNEGATE_DEEP'] === undefined)('through the OpenAI SDK', () => {
  let product: RunningProduct;
  beforeAll(async () => {
    product = await startProduct();
  }, WITHIN_MS);
  afterAll(async () => {
    await product.end();
    removeDataDir(product.dataDir);
  });

  /** Uploads, trains, and asks what was held out. */
  async function train(tenant: number) {
    const openai = clientOf(product, tenant);
    const startedMs = performance.now();
    const { id } = await upload(openai, file);
    const created = await openai.fineTuning.jobs.create({ model: 'tunegate-nano', training_file: id });
    const job = await waitFor(openai, created.id);
    const tookMs = performance.now() - startedMs;
    const model = job.fine_tuned_model ?? '';
    const left = [...questions('heldOut')];
    let right = 0;
    const ask = async (): Promise<void> => {
      for (let question = left.pop(); question !== undefined; question = left.pop()) {
        const messages = prompt(question.content);
        const answer = await openai.chat.completions.create({ model, temperature: 0, messages });
        right += Number(answer.choices[0]?.message.content === question.label);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return { status: job.status, exact: right / questions('heldOut').length, tookMs };
  }

  test('two tenants at once each have a model that answers nine of ten held-out questions right', async () => {
    const trained = await Promise.all([train(0), train(1)]);
    console.log(trained);
    for (const { status, exact, tookMs } of trained) {
      expect(status).toBe('succeeded');
      expect(exact).toBeGreaterThanOrEqual(0.9);
      expect(tookMs).toBeLessThan(WITHIN_MS);
    }
  });
});
