import type { LocalEngine } from '#local/engine/engine.ts';
import { plainAnswer } from '#local/engine/plainAnswer.ts';
import type { Conversation } from '#local/training/examples.ts';

export type Accuracy = { readonly exact: number; readonly total: number };

const MAX_ANSWER_TOKENS = 32;
const CONCURRENT = 8;

/** Asks every held-out question and counts the answers that are right to the letter. Null: the bare base. */
export async function evaluate(
  engine: LocalEngine,
  adapterPath: string | null,
  questions: readonly Conversation[],
): Promise<Accuracy> {
  let exact = 0;
  for (let at = 0; at < questions.length; at += CONCURRENT) {
    const batch = questions.slice(at, at + CONCURRENT);
    const answers = await Promise.all(
      batch.map(({ prompt }) =>
        plainAnswer(engine, adapterPath, { messages: prompt, max_tokens: MAX_ANSWER_TOKENS }),
      ),
    );
    exact += answers.filter((answer, i) => answer === batch[i]?.answer).length;
  }
  return { exact, total: questions.length };
}
