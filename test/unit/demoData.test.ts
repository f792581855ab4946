import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { type Conversation, readConversations } from '#local/training/examples.ts';

const NEARLY_THE_SAME = 0.7;

const words = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().match(/[a-z0-9']+/gu));
/** Jaccard's index of the words of two sentences. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size;
  return shared / (a.size + b.size - shared);
}
const questionOf = (conversation: Conversation): string => conversation.prompt.at(-1)?.content ?? '';

test.each(DEMO_TENANTS)(
  '$name: every class has its sentences, and none is held out and trained on at once',
  (tenant) => {
    const read = (name: string) => readConversations(readFileSync(join(tenant.directory, name), 'utf8'));
    const train = read('train.jsonl');
    const [validation, held] = [read('validation.jsonl'), read('test.jsonl')];
    const sizes = (conversations: readonly Conversation[]) =>
      [...Map.groupBy(conversations, ({ answer }) => answer).values()].map((group) => group.length);
    expect(sizes(train)).toEqual(Array.from({ length: 8 }, () => 70));
    expect(sizes(validation)).toEqual(Array.from({ length: 8 }, () => 12));
    expect(sizes(held)).toEqual(Array.from({ length: 8 }, () => 10));
    expect(new Set(train.map(questionOf)).size).toBe(train.length);
    expect(
      [...train, ...validation, ...held].every(({ prompt }) => prompt[0]?.content === tenant.systemPrompt),
    ).toBe(true);

    const trained = train.map((conversation) => ({
      question: questionOf(conversation),
      of: words(questionOf(conversation)),
    }));
    const near = [...validation, ...held].map(questionOf).flatMap((question) => {
      const asked = words(question);
      return trained
        .filter(({ of }) => similarity(asked, of) >= NEARLY_THE_SAME)
        .map((same) => [question, same.question]);
    });
    expect(near).toEqual([]);
  },
);

test.each(DEMO_TENANTS)('$name: the adapter was trained on this data and this base', (tenant) => {
  const lineage = JSON.parse(readFileSync(join(tenant.adapterDirectory, 'lineage.json'), 'utf8'));
  const data = readFileSync(join(tenant.directory, 'train.jsonl'));
  expect(lineage.datasetSha256).toBe(createHash('sha256').update(data).digest('hex'));
  expect(lineage.baseSha256).toBe(readBaseModel(`containers/bases/${tenant.baseModel}`).sha256);
});
