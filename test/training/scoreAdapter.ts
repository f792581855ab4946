import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from '#local/demo/evaluate.ts';
import { ensureAdapterGguf } from '#local/engine/adapterFiles.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { openEngine } from '#local/engine/engine.ts';
import { readConversations } from '#local/training/examples.ts';

// For the tests of containers/training: how many questions of a file an adapter answers right to the letter in the
// local engine. Prints `{"exact": 85, "total": 96}`.
const { values } = parseArgs({
  options: { base: { type: 'string' }, adapter: { type: 'string' }, questions: { type: 'string' } },
});
if (values.base === undefined || values.adapter === undefined || values.questions === undefined) {
  throw new Error('usage: scoreAdapter.ts --base folder --adapter folder --questions file.jsonl');
}
const cache = mkdtempSync(join(tmpdir(), 'tunegate-score-'));
try {
  const engine = await openEngine(readBaseModel(resolve(values.base)), cache);
  const adapter = ensureAdapterGguf(engine.base, values.adapter, cache);
  if (!adapter.ok) throw new Error(adapter.error.message);
  const questions = readConversations(readFileSync(values.questions, 'utf8'));
  console.log(JSON.stringify(await evaluate(engine, adapter.value, questions)));
  await engine.close();
} finally {
  rmSync(cache, { recursive: true, force: true });
}
