import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDataset } from '#core/datasets/checkDataset.ts';
import { DATASET_LIMITS } from '#core/datasets/limits.ts';
import { makeDatasetTools } from '#io/datasets/tools.ts';
import { bytesOf, chatLine, chunked, itemLine, TOOLS } from '#test/builders/datasets.ts';

const check = (...lines: readonly (string | Buffer)[]) => checkDataset([bytesOf(...lines)], TOOLS);
const faultsOf = async (...lines: readonly (string | Buffer)[]) =>
  (await check(...lines)).faults.shown.map(({ line, field, code }) => [line, field, code]);
const messages = (...list: readonly object[]) => JSON.stringify({ messages: list });
const user = { role: 'user', content: 'where is it?' };
const assistant = { role: 'assistant', content: 'tracking' };
const good = messages(user, assistant);

describe('a file without mistakes', () => {
  test('counts its examples and classes', async () => {
    const report = await check(
      chatLine('where is my parcel', 'shipping'),
      chatLine('it never came', 'shipping'),
      chatLine('I want my money', 'refund'),
      chatLine('give it back to me', 'refund'),
      chatLine('pay me now please', 'refund'),
    );
    expect(report.faults).toEqual({ count: 0, shown: [] });
    expect(report.statistics).toMatchObject({
      examples: 5,
      classes: [
        { answer: 'refund', examples: 3 },
        { answer: 'shipping', examples: 2 },
      ],
      duplicates: { exact: 0, near: 0 },
    });
  });

  test('may have a byte order mark, CRLF, blank lines and no newline at its end', async () => {
    const bytes = Buffer.from(`\ufeff${good}\r\n\r\n  \n${chatLine('a', 'b')}`);
    const report = await checkDataset([bytes], TOOLS);
    expect(report).toMatchObject({
      lines: 4,
      faults: { count: 0 },
      statistics: { examples: 2, blankLines: 2 },
    });
  });

  test('may use prompt and completion, text parts and tools', async () => {
    const tools = [{ type: 'function', function: { name: 'find', parameters: { type: 'object' } } }];
    const call = { id: 'c1', type: 'function', function: { name: 'find', arguments: '{}' } };
    const report = await check(
      JSON.stringify({ prompt: 'where is my parcel', completion: ' shipping' }),
      chatLine('where is my parcel', 'shipping'),
      messages(
        { role: 'user', content: [{ type: 'text', text: 'where is my parcel' }] },
        { role: 'assistant', content: 'shipping' },
      ),
      JSON.stringify({ messages: [user, { role: 'assistant', tool_calls: [call] }], tools }),
    );
    expect(report).toMatchObject({
      faults: { count: 0 },
      statistics: { examples: 4, converted: 1, duplicates: { exact: 2, near: 0 } },
    });
  });

  test('is counted by the base model’s own tokenizer, without the beginning of another answer', async () => {
    const tools = await makeDatasetTools(join(process.cwd(), 'layers/tokenizers'), 'tunegate-nano');
    const { statistics } = await checkDataset(
      [bytesOf(good, messages(user, { ...assistant, content: 'word '.repeat(900) }))],
      tools,
    );
    expect(statistics.tokens).toMatchObject({ baseModel: 'tunegate-nano', overContext: 1 });
    const [first] = statistics.tokens?.histogram ?? [];
    expect(first?.examples).toBe(1);
    expect(first?.upTo).toBeLessThanOrEqual(32);
  });
});

describe('a mistake is reported with its line, field and what to do', () => {
  const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
  test.each([
    ['not JSON', ['{"messages": ['], [1, null, 'not_json']],
    ['a list around the examples', [`[${good}]`], [1, null, 'not_an_object']],
    ['invalid UTF-8', [good, Buffer.from([0x7b, 0xff, 0x7d])], [2, null, 'not_utf8']],
    ['a raw NUL byte', [Buffer.from('{"a":"\0"}')], [1, null, 'not_json']],
    ['a NUL character', [messages(user, { ...assistant, content: 'a\0b' })], [1, null, 'bad_character']],
    [
      'half of a surrogate pair',
      ['{"messages":[{"role":"user","content":"\\ud800"}]}'],
      [1, null, 'bad_character'],
    ],
    ['deep nesting', [deep], [1, null, 'nested_too_deep']],
    [
      'an unknown field',
      [messages({ ...user, mood: 'sad' }, assistant)],
      [1, 'messages[0].mood', 'unknown_field'],
    ],
    ['no messages', ['{}'], [1, 'messages', 'missing_field']],
    [
      'an unknown role',
      [messages({ ...user, role: 'client' }, assistant)],
      [1, 'messages[0].role', 'invalid_field'],
    ],
    [
      'content that is a number',
      [messages({ ...user, content: 5 }, assistant)],
      [1, 'messages[0].content', 'invalid_field'],
    ],
    ['no answer at the end', [messages(user, assistant, user)], [1, 'messages[2].role', 'no_answer']],
    [
      'an empty answer',
      [messages(user, { ...assistant, content: ' ' })],
      [1, 'messages[1].content', 'no_answer'],
    ],
    [
      'only answers of the weight 0',
      [messages(user, { ...assistant, weight: 0 })],
      [1, 'messages', 'no_answer'],
    ],
    [
      'nobody who asks',
      [messages({ role: 'system', content: 'be kind' }, assistant)],
      [1, 'messages', 'no_user_message'],
    ],
    ['an empty prompt', ['{"prompt":"","completion":"a"}'], [1, 'prompt', 'invalid_field']],
    ['an empty file', [], [1, null, 'empty_file']],
  ])('%s', async (_, lines, expected) => {
    const { faults } = await check(...lines);
    expect(faults.shown.map(({ line, field, code }) => [line, field, code])).toEqual([expected]);
    expect(faults.shown[0]?.message).toMatch(/\.$/);
    expect(faults.shown[0]?.fix).toMatch(/\.$/);
  });

  test('several in one line are all reported', async () => {
    const line = messages({ role: 'user' }, { role: 'assistant', content: 1, x: 1 });
    expect(await faultsOf(good, line)).toEqual([
      [2, 'messages[0].content', 'missing_field'],
      [2, 'messages[1].content', 'invalid_field'],
      [2, 'messages[1].x', 'unknown_field'],
    ]);
  });

  test('a line above the limit is passed over, and the next is read', async () => {
    const huge = messages({ ...user, content: 'x'.repeat(DATASET_LIMITS.lineBytes) }, assistant);
    const report = await checkDataset(chunked(bytesOf(huge, good), 64 * 1024), TOOLS);
    expect(report.faults.shown.map(({ line, code }) => [line, code])).toEqual([[1, 'line_too_long']]);
    expect(report.statistics.examples).toBe(1);
  });

  test('of a million the first hundred are shown and all are counted', async () => {
    const lines = Buffer.from('x\n'.repeat(1_000_000));
    const { faults, lines: count } = await checkDataset(chunked(lines, 64 * 1024), TOOLS);
    expect([faults.count, faults.shown.length, count]).toEqual([1_000_000, 100, 1_000_000]);
    expect(faults.shown.at(-1)?.line).toBe(100);
  }, 60_000);
});

test('near duplicates are found, and what shares only its system message is none', async () => {
  const long =
    'I ordered a blue jacket in size medium last week and the parcel has still not arrived at my home';
  const system = {
    role: 'system',
    content: 'Answer with one of the intents of the shop, in lower case, and nothing else.',
  };
  const { statistics } = await check(
    messages(system, { role: 'user', content: long }, assistant),
    messages(system, { role: 'user', content: `${long.toUpperCase()}!!` }, assistant),
    messages(system, { role: 'user', content: 'how do I pay?' }, assistant),
    messages(system, { role: 'user', content: 'how can I return shoes?' }, assistant),
  );
  expect(statistics.duplicates).toEqual({ exact: 0, near: 1 });
});

describe('a file for evaluation', () => {
  const file = bytesOf(
    itemLine({ question: 'where is it', answer: 'shipping' }),
    itemLine({ question: 'where is it', answer: 'shipping' }),
    itemLine({ question: 'refund' }, { sample: { output_text: 'refund' } }),
    chatLine('where is it', 'shipping'),
  );

  test('may have items beside examples; both are counted', async () => {
    const { faults, statistics } = await checkDataset([file], TOOLS, { use: 'evaluation' });
    expect(faults.count).toBe(0);
    expect(statistics).toMatchObject({ items: 3, examples: 1, duplicates: { exact: 1 } });
  });

  test('says what is wrong with an item', async () => {
    const lines = [itemLine('x'), itemLine({}), itemLine({ a: 1 }, { extra: 1 })];
    const { faults } = await checkDataset([bytesOf(...lines)], TOOLS, { use: 'evaluation' });
    expect(faults.shown.map(({ line, field }) => [line, field])).toEqual([
      [1, 'item'],
      [2, 'item'],
      [3, 'extra'],
    ]);
  });

  test('is no file to train on', async () => {
    const { faults } = await checkDataset([file], TOOLS);
    expect([...new Set(faults.shown.map(({ line }) => line))]).toEqual([1, 2, 3]);
  });
});
