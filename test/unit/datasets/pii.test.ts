import { expect, test } from 'vitest';
import { redactText } from '#core/datasets/redactText.ts';
import { findPii } from '#io/datasets/pii.ts';

test.each([
  ['write to anna.berg+shop@example.co.uk please', 'write to [EMAIL] please'],
  ['my card is 4242 4242 4242 4242.', 'my card is [CARD].'],
  ['IBAN DE89 3704 0044 0532 0130 00, thanks', 'IBAN [IBAN], thanks'],
  ['from 203.0.113.7 since noon', 'from [IPV4] since noon'],
  ['call +49 30 1234567 or (030) 123-4567', 'call [PHONE] or [PHONE]'],
  ['555-123-4567 is my number', '[PHONE] is my number'],
])('%s → %s', (text, redacted) => {
  expect(redactText(text, findPii)).toBe(redacted);
});

test.each([
  'order 4242 4242 4242 4241 has the wrong checksum for a card',
  'version 1.2.3 of 2026-11-22 at 10:30',
  'DE89 3704 0044 0532 0130 01 is no IBAN',
  'he @ home, 300.1.1.1, 1,000,000 pieces for $1234.50',
  'ticket 12345678',
])('nothing in: %s', (text) => {
  expect(findPii(text).filter(({ kind }) => kind !== 'phone')).toEqual([]);
});

test('dates, versions and amounts are not phone numbers', () => {
  expect(findPii('2026-11-22 10:30, 1,000,000 pieces, 12345678, v1.2.3')).toEqual([]);
});
