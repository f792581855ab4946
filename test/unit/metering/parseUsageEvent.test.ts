import { describe, expect, test } from 'vitest';
import { parseUsageEvent } from '#core/metering/parseUsageEvent.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';

const event = aUsageEvent(testId<TenantId>('tenant', 'northwind'), 'one');
const without = (name: keyof typeof event) =>
  JSON.stringify(Object.fromEntries(Object.entries(event).filter(([key]) => key !== name)));

test('reads what the sink writes', () => {
  expect(parseUsageEvent(JSON.stringify(event))).toEqual({ ok: true, value: event });
});

test('drops fields that a newer sender added', () => {
  expect(parseUsageEvent(JSON.stringify({ ...event, cachedTokens: 3 }))).toEqual({ ok: true, value: event });
});

describe('refuses, naming the field and never its value,', () => {
  const refused: readonly [string, string, string][] = [
    ['text that is not JSON', 'hello', 'the message is not JSON'],
    ['nothing', '', 'the message is not JSON'],
    ['a list', '[]', 'the message must be an object'],
    ['null', 'null', 'the message must be an object'],
    ['a missing tenant', without('tenantId'), 'tenantId must be a string'],
    [
      'a key where a tenant belongs',
      JSON.stringify({ ...event, tenantId: 'key_one' }),
      'tenantId is not an id of its kind',
    ],
    ['a negative count', JSON.stringify({ ...event, outputTokens: -1 }), 'outputTokens must be at least 0'],
    ['half a token', JSON.stringify({ ...event, inputTokens: 0.5 }), 'inputTokens must be a whole number'],
    [
      'an unknown status',
      JSON.stringify({ ...event, status: 'paid' }),
      'status must be "succeeded" or "client_closed" or "engine_failed"',
    ],
    [
      'a price book without a version',
      JSON.stringify({ ...event, priceBook: { id: 'per-token' } }),
      'priceBook.version must be a number',
    ],
    [
      'a time that has no date',
      JSON.stringify({ ...event, endedAtMs: 9e15 }),
      'endedAtMs must be at most 253402214400000',
    ],
  ];
  test.each(refused)('%s', (_, body, message) => {
    expect(parseUsageEvent(body)).toEqual({ ok: false, error: { code: 'invalid_usage_event', message } });
  });
});
