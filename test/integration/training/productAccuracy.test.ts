import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, upload, waitFor } from '#test/builders/fineTunedProduct.ts';
import { type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';
import intents from '#test/data/telecomIntents.json' with { type: 'json' };

const WITHIN_MS = 240_000;
const AT_ONCE = 4;
const BASE = 'tunegate-nano';
const MAX_LABEL_TOKENS = 16;
const SYSTEM = { role: 'system' as const, content: 'You sort messages of customers. Answer with one label.' };

/** Sentences of a class that each of the tenants has: what a client of good will, and of little time, brings. */
const LEARNT_EACH = [38, 26];

type Question = { readonly content: string; readonly label: string };
// Written for this: the held-out sentences were not made from the pattern of any that is learnt.
const questions = (kind: 'learnt' | 'heldOut', each?: number): readonly Question[] =>
  Object.entries(intents).flatMap(([label, sentences]) =>
    sentences[kind].slice(0, each).map((content) => ({ content, label })),
  );
const prompt = (content: string) => [SYSTEM, { role: 'user' as const, content }];
const file = (each: number | undefined) =>
  Buffer.from(
    questions('learnt', each)
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

  /** The share of held-out questions that a model answers to the letter. */
  async function exactMatch(openai: OpenAI, model: string): Promise<number> {
    const left = [...questions('heldOut')];
    let right = 0;
    const ask = async (): Promise<void> => {
      for (let question = left.pop(); question !== undefined; question = left.pop()) {
        const messages = prompt(question.content);
        const answer = await openai.chat.completions.create({
          model,
          temperature: 0,
          max_tokens: MAX_LABEL_TOKENS,
          messages,
        });
        right += Number(answer.choices[0]?.message.content === question.label);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return right / questions('heldOut').length;
  }

  /** A model name that stands for the base without an adapter; none does unless the agency says so. */
  async function nameBase(): Promise<string> {
    const { baseUrl, adminKey, tenants } = product.connection;
    const alias = 'plain-base';
    const named = await fetch(`${baseUrl}/admin/tenants/${tenants[0]?.id}/models`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ alias, base_model: BASE }),
    });
    expect(named.status).toBe(201);
    return alias;
  }

  /** Uploads, trains, and asks what was held out. */
  async function train(tenant: number) {
    const openai = clientOf(product, tenant);
    const startedMs = performance.now();
    const { id } = await upload(openai, file(LEARNT_EACH[tenant]));
    const created = await openai.fineTuning.jobs.create({ model: BASE, training_file: id });
    const job = await waitFor(openai, created.id);
    const tookMs = performance.now() - startedMs;
    const exact = await exactMatch(openai, job.fine_tuned_model ?? '');
    return { status: job.status, each: LEARNT_EACH[tenant], exact, tookMs };
  }

  test('two tenants at once each have a model that answers nine of ten held-out questions right, and the base none', async () => {
    const trained = await Promise.all([train(0), train(1)]);
    console.log(trained);
    const base = await exactMatch(clientOf(product), await nameBase());
    console.log({ base });
    expect(base).toBeLessThan(0.05);
    for (const { status, exact, tookMs } of trained) {
      expect(status).toBe('succeeded');
      expect(exact).toBeGreaterThanOrEqual(0.9);
      expect(tookMs).toBeLessThan(WITHIN_MS);
    }
  });
});
