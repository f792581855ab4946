import { expect, test } from 'vitest';
import { EngineBroken } from '#core/inference/ports.ts';
import { type ReadChunk, readChunks } from '#io/engines/chunks.ts';

const chunk = (content: string, more: object = {}) =>
  JSON.stringify({
    model: 'adp-1',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    ...more,
  });

/** Cuts the bytes into parts of a size, as SageMaker may cut them anywhere, even within a character. */
async function* cut(text: string, size: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 7): Promise<readonly ReadChunk[]> {
  const chunks: ReadChunk[] = [];
  for await (const one of readChunks(cut(text, size))) chunks.push(one);
  return chunks;
}
const contents = (chunks: readonly ReadChunk[]) =>
  chunks.flatMap(({ chunk: { choices } }) => choices.map((choice) => choice.delta['content']));

const lines = [chunk('naïve '), chunk('日本 '), chunk('end')];
const events = `: ping\n\n${lines.map((line) => `data: ${line}\r\n\r\n`).join('')}data: [DONE]\n\n`;

test.each([1, 2, 3, 5, 64, 10_000])('reads server-sent events cut every %i bytes', async (size) => {
  expect(contents(await read(events, size))).toEqual(['naïve ', '日本 ', 'end']);
});

test('reads JSON lines, the last one without a line feed too', async () => {
  const chunks = await read(lines.join('\n'));
  expect(contents(chunks)).toEqual(['naïve ', '日本 ', 'end']);
  expect(chunks[0]?.model).toBe('adp-1');
});

test('running usage of single choices adds up, and the closing total stands', async () => {
  const of = (index: number, count: number) =>
    JSON.stringify({
      choices: [{ index, delta: {} }],
      usage: { prompt_tokens: 5, completion_tokens: count },
    });
  const total = JSON.stringify({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } });
  const chunks = await read([of(0, 1), of(1, 2), of(0, 4), of(1, 5), total].join('\n'));
  expect(chunks.map(({ chunk: { usage } }) => usage?.completionTokens)).toEqual([1, 3, 6, 9, 9]);
});

test('a server that knows no streams and answers at once is understood', async () => {
  const whole = {
    model: 'adp_one',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 1 },
  };
  expect(await read(JSON.stringify(whole, null, 1).replaceAll('\n', ''))).toMatchObject([
    { chunk: { choices: [{ delta: { content: 'Hello' }, finishReason: 'stop' }] } },
  ]);
});

test('completions carry their text as a delta', async () => {
  const chunks = await read(JSON.stringify({ choices: [{ index: 0, text: 'hi', finish_reason: 'stop' }] }));
  expect(chunks[0]?.chunk.choices).toEqual([{ index: 0, delta: { text: 'hi' }, finishReason: 'stop' }]);
});

test.each(['data: {"error": {"message": "CUDA out of memory"}}\n', 'data: not json\n', '{"choices": 3}\n'])(
  'what is no chunk breaks the stream: %j',
  async (text) => {
    await expect(read(text)).rejects.toThrow(EngineBroken);
  },
);
