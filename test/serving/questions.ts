import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { ensureAdapterGguf } from '#local/engine/adapterFiles.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { openEngine } from '#local/engine/engine.ts';
import { plainAnswer } from '#local/engine/plainAnswer.ts';
import { type Conversation, readConversations } from '#local/training/examples.ts';
import { BASE_DIRECTORY } from './vllmServer.ts';

export const MAX_ANSWER_TOKENS = 32;
const AT_ONCE = 8;

/** The held-out questions of a demonstration tenant. */
export function questionsOf(slug: string): readonly Conversation[] {
  const tenant = DEMO_TENANTS.find((known) => known.slug === slug);
  if (tenant === undefined) throw new Error(`no demonstration tenant ${slug}`);
  return readConversations(readFileSync(join(tenant.directory, 'test.jsonl'), 'utf8'));
}

/** How many of the answers are right to the letter. */
export const countRight = (questions: readonly Conversation[], answers: readonly string[]): number =>
  answers.filter((answer, at) => answer === questions[at]?.answer).length;

/** How many answers are the same, letter by letter. */
export const countEqual = (some: readonly string[], others: readonly string[]): number =>
  some.filter((answer, at) => answer === others[at]).length;

/** Asks all of them, some at once, and keeps their order. */
export async function askAll<T>(
  questions: readonly Conversation[],
  answerTo: (question: Conversation) => Promise<T>,
): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let at = 0; at < questions.length; at += AT_ONCE) {
    answers.push(...(await Promise.all(questions.slice(at, at + AT_ONCE).map(answerTo))));
  }
  return answers;
}

/** The local engine's greedy answers with the PEFT adapter in a folder; null: the bare base. */
export async function localAnswers(
  adapterDirectory: string | null,
  questions: readonly Conversation[],
): Promise<readonly string[]> {
  const cache = mkdtempSync(join(tmpdir(), 'tunegate-serving-'));
  const engine = await openEngine(readBaseModel(BASE_DIRECTORY), cache);
  try {
    const adapter =
      adapterDirectory === null ? null : ensureAdapterGguf(engine.base, adapterDirectory, cache);
    if (adapter !== null && !adapter.ok) throw new Error(adapter.error.message);
    return await askAll(questions, ({ prompt }) =>
      plainAnswer(engine, adapter?.value ?? null, { messages: prompt, max_tokens: MAX_ANSWER_TOKENS }),
    );
  } finally {
    await engine.close();
    rmSync(cache, { recursive: true, force: true });
  }
}
