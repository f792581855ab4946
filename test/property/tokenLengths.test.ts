import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { expect, test as once } from 'vitest';
import { byteLevelLengths } from '#io/datasets/byteLevelLengths.ts';
import { makeExampleTokenizer } from '#io/datasets/exampleTokenizer.ts';
import { readTokenizer } from '#io/tokenizers.ts';

const TOKENIZERS = fileURLToPath(new URL('../../layers/tokenizers', import.meta.url));
const JSON_FILE = JSON.parse(readFileSync(`${TOKENIZERS}/tunegate-nano/tokenizer.json`, 'utf8'));
const { encodeText, encodePrompt, chatPrompt } = await readTokenizer(TOKENIZERS, 'tunegate-nano');
const library = (text: string): number => encodeText(text).length;
const lengthOf = byteLevelLengths(JSON_FILE, library);
const tokenizer = await makeExampleTokenizer(TOKENIZERS, 'tunegate-nano');

const words = fc.constantFrom(
  'the parcel',
  "I'm",
  "you'll",
  ' ',
  '  ',
  '\n',
  '\t',
  '\u00a0',
  '\ufeff',
  '1 2',
  '—',
);
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.array(words, { maxLength: 30 }).map((parts) => parts.join(' ')),
  fc.lorem({ maxCount: 30 }),
);

test.prop([texts], { numRuns: 400 })('a text is as long as the tokenizer makes it', (text) => {
  expect(lengthOf?.(text)).toBe(library(text));
  expect(lengthOf?.(text)).toBe(library(text)); // remembered
});

once('words without an end, and texts of many scripts, are as long as the tokenizer makes them', () => {
  for (const text of [
    'a'.repeat(5_000),
    '漢字'.repeat(400),
    'مرحبا بالعالم 👩‍👩‍👧 zero\u200bwidth שלום',
    '   ',
    ' a',
    'a ',
  ]) {
    expect(lengthOf?.(text)).toBe(library(text));
  }
});

once(
  'an example is counted as the trainers see it: its template, its special tokens, and no answer begun',
  () => {
    const messages = [
      { role: 'system' as const, content: 'You sort <|im_end|> messages.' },
      { role: 'user' as const, content: 'Where is my parcel? 📦' },
      { role: 'assistant' as const, content: 'shipping' },
    ];
    const rendered = chatPrompt(messages, undefined, { forTraining: true });
    expect(tokenizer.count({ messages })).toBe(encodePrompt(rendered).length);
  },
);

once('a tokenizer that works in another way is left to the library', () => {
  expect(byteLevelLengths({ ...JSON_FILE, normalizer: { type: 'NFC' } }, library)).toBeUndefined();
  expect(byteLevelLengths({ ...JSON_FILE, pre_tokenizer: { type: 'Whitespace' } }, library)).toBeUndefined();
  const lacking = { ...JSON_FILE.model, vocab: { ...JSON_FILE.model.vocab, Ġt: undefined } };
  expect(byteLevelLengths({ ...JSON_FILE, model: lacking }, library)).toBeUndefined();
});
