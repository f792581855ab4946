import { ModelError, ValidationError } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestSageMaker, type TestSageMaker } from '#test/builders/sageMaker.ts';

const BASE = 'tunegate-nano';
const hello = { messages: [{ role: 'user', content: 'Hello, who are you?' }], max_tokens: 24 };

let sageMaker: TestSageMaker;
beforeAll(async () => {
  sageMaker = await startTestSageMaker();
});
afterAll(() => sageMaker.stop());

test('the base answers a plain call, the same each time', async () => {
  const first = await sageMaker.invoke(BASE, hello);
  expect(first.model).toBe(BASE);
  expect(first.choices[0]?.message.content).not.toBe('');
  expect(first.usage.completion_tokens).toBeGreaterThan(0);
  const second = await sageMaker.invoke(BASE, hello);
  expect(second.choices).toEqual(first.choices);
});

test('a stream says the same as the plain call and ends with the usage', async () => {
  const plain = await sageMaker.invoke(BASE, hello);
  const text = await sageMaker.stream(BASE, {
    ...hello,
    stream: true,
    stream_options: { include_usage: true },
  });
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.pop()).toBe('data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.slice('data: '.length)));
  const content = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  expect(content).toBe(plain.choices[0]?.message.content);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: plain.usage });
  expect(new Set(chunks.map((chunk) => chunk.model))).toEqual(new Set([BASE]));
});

test('an unknown component is refused as AWS refuses it', async () => {
  const refused = await sageMaker.invoke('nobody', hello).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ValidationError);
});

test('a parameter that the engine cannot honour is refused with the container’s own error', async () => {
  const refused = await sageMaker.invoke(BASE, { ...hello, logprobs: true }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ModelError);
  expect(refused).toMatchObject({ OriginalStatusCode: 400 });
  expect(JSON.parse(refused instanceof ModelError ? (refused.OriginalMessage ?? '') : '')).toMatchObject({
    error: { param: 'logprobs', type: 'invalid_request_error' },
  });
});
