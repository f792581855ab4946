import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { messageBody } from '#io/sqs/messageBody.ts';

/** What SQS takes, less what lies beyond 16 bits. Source: SendMessage in Amazon SQS's API reference. */
const TAKEN = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd]*$/;

test.prop([fc.string({ unit: 'binary', maxLength: 40 })], { numRuns: 200 })(
  'any text becomes a message that SQS takes, and is the same text to who reads it',
  (text) => {
    const value = { text: `${text}🎉\uffff`, list: [text] };
    const body = messageBody(value);
    expect(body).toMatch(TAKEN);
    expect(JSON.parse(body)).toEqual(value);
  },
);
