import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestSageMaker, type TestSageMaker } from '#test/builders/sageMaker.ts';

const BASE = 'tunegate-nano';
let sageMaker: TestSageMaker;
beforeAll(async () => {
  sageMaker = await startTestSageMaker();
});
afterAll(() => sageMaker.stop());

const ask = async (body: object) => {
  const messages = [{ role: 'user', content: 'Write about the sea.' }];
  const answer = await sageMaker.invoke(BASE, { messages, max_tokens: 40, ...body });
  return {
    texts: answer.choices.map((choice) => choice.message.content),
    reasons: answer.choices.map((choice) => choice.finish_reason),
    tokens: answer.usage.completion_tokens,
  };
};
const refusal = async (body: object) => {
  const error = await ask(body).then(
    () => undefined,
    (refused: unknown) => refused,
  );
  const text =
    typeof error === 'object' && error !== null && 'OriginalMessage' in error
      ? String(error.OriginalMessage)
      : '{}';
  return JSON.parse(text).error;
};

test('a seed repeats an answer, and another one gives another', async () => {
  const first = await ask({ temperature: 1, seed: 42 });
  expect(await ask({ temperature: 1, seed: 42 })).toEqual(first);
  expect((await ask({ temperature: 1, seed: 43 })).texts).not.toEqual(first.texts);
});

test('each choice of several is drawn on its own', async () => {
  expect(new Set((await ask({ temperature: 1, n: 3, seed: 42 })).texts).size).toBe(3);
});

test('a temperature of zero, and a top_p of zero, are the most probable answer', async () => {
  const greedy = await ask({ temperature: 0 });
  expect(await ask({ temperature: 1.5, top_p: 0, seed: 1 })).toEqual(greedy);
});

test('max_tokens ends an answer and says length', async () => {
  expect(await ask({ max_tokens: 3, temperature: 1, seed: 2 })).toMatchObject({
    reasons: ['length'],
    tokens: 3,
  });
});

test('a stop text ends an answer before itself', async () => {
  const whole = (await ask({ temperature: 1, seed: 9 })).texts[0] ?? '';
  const word = whole.slice(4, 9);
  const stopped = await ask({ temperature: 1, seed: 9, stop: [word] });
  expect(stopped.texts[0]).toBe(whole.slice(0, whole.indexOf(word)));
  expect(stopped.reasons).toEqual(['stop']);
});

test('a JSON schema holds whatever is drawn', async () => {
  const schema = {
    type: 'object',
    properties: {
      mood: { enum: ['calm', 'wild'] },
      depth: { type: 'integer' },
      words: { type: 'array', items: { type: 'string', maxLength: 6 }, maxItems: 2 },
    },
    required: ['mood', 'depth', 'words'],
    additionalProperties: false,
  };
  const drawn = await ask({
    n: 4,
    seed: 3,
    temperature: 0.8,
    max_tokens: 200,
    response_format: { type: 'json_schema', json_schema: { name: 'sea', schema } },
  });
  const finished = drawn.texts.filter((_, i) => drawn.reasons[i] === 'stop').map((text) => JSON.parse(text));
  expect(finished.length).toBeGreaterThan(0);
  for (const value of finished) {
    expect(Object.keys(value)).toEqual(['mood', 'depth', 'words']);
    expect(['calm', 'wild']).toContain(value.mood);
    expect(Number.isInteger(value.depth)).toBe(true);
  }
});

test('json_object gives an object and nothing around it', async () => {
  const drawn = await ask({
    response_format: { type: 'json_object' },
    max_tokens: 200,
    temperature: 0.7,
    seed: 8,
  });
  expect(drawn.reasons).toEqual(['stop']);
  expect(typeof JSON.parse(drawn.texts[0] ?? '')).toBe('object');
});

test.each([
  [{ logprobs: true }, 'logprobs'],
  [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
  [{ frequency_penalty: 1 }, 'frequency_penalty'],
  [{ temperature: 3 }, 'temperature'],
  [{ n: 0 }, 'n'],
  [{ messages: [] }, 'messages'],
  [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
  [{ adapters: ['another'] }, 'adapters'],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: { type: 'string', pattern: 'x' } } } },
    'response_format',
  ],
])('refuses %j by name', async (body, param) => {
  expect(await refusal(body)).toMatchObject({ param, type: 'invalid_request_error' });
});

test('a prompt beyond the context is refused with its size', async () => {
  const long = await refusal({ messages: [{ role: 'user', content: 'sea '.repeat(600) }] });
  expect(long).toMatchObject({ code: 'context_length_exceeded', param: 'messages' });
  expect(await refusal({ max_tokens: 512 })).toMatchObject({ code: 'context_length_exceeded' });
});
