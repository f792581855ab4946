import { ModelError, ModelNotReadyException, ValidationError } from '@aws-sdk/client-sagemaker-runtime';
import { expect, test } from 'vitest';
import { refusalOf } from '#io/sagemaker/refusals.ts';

const meta = { $metadata: {} };
const modelError = (status: number, original: string) =>
  new ModelError({
    ...meta,
    message: 'Received client error',
    OriginalStatusCode: status,
    OriginalMessage: original,
  });

test('an endpoint that has scaled to zero is loading', () => {
  const message =
    'Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API.';
  expect(refusalOf(new ValidationError({ ...meta, message }))).toEqual({
    code: 'model_loading',
    retryAfterSeconds: 60,
  });
  expect(refusalOf(new ModelNotReadyException({ ...meta, message: 'wait' }))).toMatchObject({
    code: 'model_loading',
  });
});

test('another ValidationError is our failure, not the client’s', () => {
  expect(refusalOf(new ValidationError({ ...meta, message: 'Endpoint x not found.' }))).toMatchObject({
    code: 'engine_failed',
  });
});

test('a 400 of the container is passed on with its parameter', () => {
  const body = JSON.stringify({ error: { message: 'temperature must be at most 2', param: 'temperature' } });
  expect(refusalOf(modelError(400, body))).toEqual({
    code: 'engine_rejected',
    message: 'temperature must be at most 2',
    param: 'temperature',
  });
});

test.each([
  JSON.stringify({ error: { message: 'Traceback (most recent call last): File "/opt/ml/x.py"' } }),
  JSON.stringify({ error: { message: 'no access to arn:aws:s3:::bucket' } }),
  'plain text',
])('the inside of a container stays inside: %s', (original) => {
  expect(refusalOf(modelError(400, original))).toEqual({
    code: 'engine_rejected',
    message: 'The model cannot answer this request as it is.',
    param: null,
  });
});

test('a 500 of the container, and what is no SDK error at all, is engine_failed', () => {
  expect(refusalOf(modelError(500, 'boom'))).toMatchObject({ code: 'engine_failed' });
  expect(refusalOf(modelError(404, '{}'))).toMatchObject({ code: 'engine_failed' });
  expect(refusalOf('what')).toMatchObject({ code: 'engine_failed' });
});
