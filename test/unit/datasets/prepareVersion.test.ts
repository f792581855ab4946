import { expect, test } from 'vitest';
import { prepareVersion, type VersionOptions } from '#core/datasets/prepareVersion.ts';
import type { Side } from '#core/datasets/splitSide.ts';
import { bytesOf, chatLine, TOOLS } from '#test/builders/datasets.ts';

const PLAIN: VersionOptions = { removeDuplicates: 'none', redactPii: false, validationShare: 0, seed: 1 };

async function prepare(lines: readonly string[], options: Partial<VersionOptions> = {}) {
  const written: Record<Side, string[]> = { training: [], validation: [] };
  const result = await prepareVersion([bytesOf(...lines)], { ...PLAIN, ...options }, TOOLS, (side, line) => {
    written[side].push(line);
  });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return { ...result.value, written };
}

const MANY = Array.from({ length: 2_000 }, (_, i) => chatLine(`question number ${i}`, `answer ${i}`));

test('the same examples make the same version, however they are written', async () => {
  const spaced = chatLine('a', 'b').replaceAll(':', ' : ');
  const parts =
    '{"messages":[{"content":[{"type":"text","text":"a"}],"role":"user"},{"content":"b","role":"assistant"}]}';
  const versions = await Promise.all(
    [chatLine('a', 'b'), spaced, parts, '{"prompt":"a","completion":" b"}'].map((line) => prepare([line])),
  );
  expect(new Set(versions.map(({ sha256 }) => sha256)).size).toBe(1);
  expect((await prepare([chatLine('a', 'c')])).sha256).not.toBe(versions[0]?.sha256);
});

test('the split follows the share, repeats with its seed, and moves no example when others come', async () => {
  const first = await prepare(MANY, { validationShare: 0.2 });
  expect(first.examples.validation).toBeGreaterThan(320);
  expect(first.examples.validation).toBeLessThan(480);
  const more = await prepare([chatLine('new', 'one'), ...MANY.toReversed()], { validationShare: 0.2 });
  const validation = new Set(more.written.validation);
  expect(first.written.validation.every((line) => validation.has(line))).toBe(true);
  const reseeded = await prepare(MANY, { validationShare: 0.2, seed: 2 });
  expect(reseeded.written.validation).not.toEqual(first.written.validation);
});

test('equal examples are never on both sides', async () => {
  const { written } = await prepare([...MANY, ...MANY], { validationShare: 0.5 });
  const training = new Set(written.training);
  expect(written.validation.some((line) => training.has(line))).toBe(false);
});

test('exact and near duplicates are removed on request, and the first stays', async () => {
  const long = 'please tell me where my parcel is because it has not come for three whole weeks now';
  const lines = [chatLine(long, 'shipping'), chatLine(long, 'shipping'), chatLine(`${long}!!`, 'shipping')];
  expect((await prepare(lines)).examples.training).toBe(3);
  expect((await prepare(lines, { removeDuplicates: 'exact' })).removed).toEqual({ exact: 1, near: 0 });
  const near = await prepare(lines, { removeDuplicates: 'near' });
  expect(near.removed).toEqual({ exact: 1, near: 1 });
  expect(near.written.training).toEqual([lines[0]]);
});

test('personal data is redacted on request, and two examples that differ in it alone become one', async () => {
  const lines = ['ann@example.com', 'bob@example.org'].map((mail) => chatLine(`I am ${mail}`, 'hello'));
  const version = await prepare(lines, { redactPii: true, removeDuplicates: 'exact' });
  expect(version).toMatchObject({ removed: { exact: 1, near: 0 }, redacted: 1 });
  expect(version.written.training).toEqual([chatLine('I am [EMAIL]', 'hello')]);
});

test('what tools are called with is redacted too, and stays JSON where it was JSON', async () => {
  const call = { to: 'ann\\u0040example.com', card: 4111111111111111, count: 3, note: 'say "hi"' };
  const given = JSON.stringify(call).replace('\\\\u0040', '\\u0040');
  const toolCall = { id: 'c1', type: 'function', function: { name: 'send', arguments: given } };
  const messages = [
    { role: 'user', content: 'send it' },
    { role: 'assistant', content: null, tool_calls: [toolCall] },
  ];
  const { written, redacted } = await prepare([JSON.stringify({ messages })], { redactPii: true });
  const [line = ''] = written.training;
  expect(given).toContain('ann\\u0040example.com');
  expect(redacted).toBe(1);
  expect(JSON.parse(JSON.parse(line).messages[1].tool_calls[0].function.arguments)).toEqual({
    to: '[EMAIL]',
    card: '[CARD]',
    count: 3,
    note: 'say "hi"',
  });
});

test('what takes too long makes no version', async () => {
  let asked = 0;
  const options = { ...PLAIN, isLate: () => ++asked > 3 };
  const result = await prepareVersion([bytesOf(...MANY)], options, TOOLS, () => undefined);
  expect(result).toEqual({ ok: false, error: { code: 'took_too_long' } });
  expect(asked).toBe(4);
});

test('a file with mistakes makes no version', async () => {
  const result = await prepareVersion([bytesOf(chatLine('a', 'b'), '{}')], PLAIN, TOOLS, () => undefined);
  expect(result).toEqual({ ok: false, error: { code: 'faulty_line', line: 2 } });
});
