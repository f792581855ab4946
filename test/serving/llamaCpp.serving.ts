import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { makeTokenCounter } from '#io/tokenizers.ts';
import { ensureBaseGguf } from '#local/engine/baseGguf.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { newDataDir, type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';
import { exportedAdapter } from './exportedAdapter.ts';
import { countEqual, countRight, localAnswers, questionsOf } from './questions.ts';
import { BASE_DIRECTORY } from './vllmServer.ts';

// A llama.cpp that Tunegate did not bring along, with the GGUF files of an export.

const Answers = z.array(z.object({ text: z.string(), prompt_tokens: z.int() }));
const questions = questionsOf('harbor');
let product: RunningProduct;
let folder: string;
let exported: Awaited<ReturnType<typeof exportedAdapter>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunegate-gguf-'));
  product = await startProduct({ dataDir: newDataDir() });
  exported = await exportedAdapter(product, 'Harbor Clinic', folder);
});
afterAll(async () => {
  await product.end();
  removeDataDir(product.dataDir);
  rmSync(folder, { recursive: true, force: true });
});

function ask(adapter: string) {
  const base = ensureBaseGguf(readBaseModel(BASE_DIRECTORY), folder);
  const { status, stdout, stderr } = spawnSync(
    process.env['TUNEGATE_PYTHON'] ?? 'python3',
    ['test/serving/askLlamaCpp.py', base, adapter, `${BASE_DIRECTORY}/chat_template.jinja`],
    { input: questions.map(({ prompt }) => JSON.stringify(prompt)).join('\n'), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr.slice(-2_000));
  const lines = stdout.trim().split('\n');
  return Answers.parse(JSON.parse(lines.at(-1) ?? ''));
}

test('an exported adapter answers in llama.cpp as in the local engine, and the bare base does not', async () => {
  const answers = ask(exported.gguf).map(({ text }) => text);
  const local = await localAnswers(exported.peft, questions);
  const scores = [answers, local].map((given) => countRight(questions, given));
  console.log(`llama.cpp ${scores[0]}, local engine ${scores[1]} of ${questions.length}`);
  expect(Math.abs((scores[0] ?? 0) - (scores[1] ?? 0))).toBeLessThanOrEqual(0.02 * questions.length);
  expect(countEqual(answers, local)).toBeGreaterThanOrEqual(0.95 * questions.length);
  expect(
    countRight(
      questions,
      ask('-').map(({ text }) => text),
    ),
  ).toBeLessThan(0.1 * questions.length);
});

test('it counts the tokens of a prompt as Tunegate does', async () => {
  const { countChat } = makeTokenCounter('layers/tokenizers');
  const ours = await Promise.all(
    questions.map(({ prompt }) => countChat('tunegate-nano', prompt, undefined)),
  );
  expect(ask('-').map(({ prompt_tokens }) => prompt_tokens)).toEqual(ours);
});
