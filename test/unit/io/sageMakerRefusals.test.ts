import { ModelError } from '@aws-sdk/client-sagemaker-runtime';
import { expect, test } from 'vitest';
import { refusalOf } from '#io/sagemaker/refusals.ts';

const ofContainer = (OriginalStatusCode: number) =>
  refusalOf(new ModelError({ $metadata: {}, message: 'the container said no', OriginalStatusCode }));
const thrown = (name: string, message = '') => refusalOf(Object.assign(new Error(message), { name }));

test('too many calls, for SageMaker or for the container, are load and no failure', () => {
  expect(ofContainer(429)).toEqual({ code: 'engine_busy', retryAfterSeconds: 5 });
  expect(thrown('ThrottlingException', 'Rate exceeded')).toEqual({
    code: 'engine_busy',
    retryAfterSeconds: 2,
  });
});

test('what a container refuses is final, what it breaks at is worth another try', () => {
  expect(ofContainer(404)).toMatchObject({ code: 'engine_failed', isFinal: true });
  for (const status of [500, 502, 504]) {
    const refused = ofContainer(status);
    expect(refused).toMatchObject({ code: 'engine_failed' });
    expect(refused).not.toHaveProperty('isFinal');
  }
});

test('what sleeps or wakes says when to come back', () => {
  expect(thrown('ModelNotReadyException')).toEqual({ code: 'model_loading', retryAfterSeconds: 10 });
  expect(thrown('ValidationError', 'Endpoint has no capacity')).toEqual({
    code: 'model_loading',
    retryAfterSeconds: 60,
  });
});
