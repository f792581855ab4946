import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { engineBody } from '#core/inference/engineBody.ts';
import { CHAT_PARAMETERS, COMPLETION_PARAMETERS } from '#core/inference/parameters.ts';
import { parseRequest } from '#core/inference/parseRequest.ts';

/** Everything that may ever be in a body for an engine. */
const ENGINE_FIELDS = new Set([
  ...['model', 'messages', 'prompt', 'max_tokens', 'n', 'temperature', 'top_p', 'seed', 'stop', 'tools'],
  ...['tool_choice', 'response_format', 'stream', 'stream_options'],
]);
const KNOWN = [CHAT_PARAMETERS, COMPLETION_PARAMETERS].flatMap((table) => [
  ...table.supported,
  ...table.defaultOnly.keys(),
]);
const HOSTILE = [
  'adapters',
  'lora',
  'lora_request',
  'adapter_name',
  '__proto__',
  'constructor',
  'extra_body',
];
const MESSAGES = [{ role: 'user', content: 'hi' }];

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(null, true, false, 0, 1, 1.5, -1, '', 'x', [], {}, ['text']),
  fc.constantFrom(MESSAGES, [{ type: 'function', function: { name: 'f' } }]),
);
const names = fc.oneof(fc.constantFrom(...KNOWN), fc.constantFrom(...HOSTILE), fc.string());
const bodies = fc
  .tuple(fc.dictionary(names, value), fc.boolean())
  .map(([fields, whole]) => (whole ? { model: 'm', messages: MESSAGES, prompt: 'p', ...fields } : fields));
const operations = fc.constantFrom('chat.completion' as const, 'text_completion' as const);

test.prop([operations, fc.oneof(bodies, fc.jsonValue())], { numRuns: 500 })(
  'a body is accepted, or refused with a code and a message: it never throws',
  (operation, body) => {
    const parsed = parseRequest(operation, body);
    if (parsed.ok) return;
    expect(['invalid_request', 'unsupported_parameter']).toContain(parsed.error.code);
    expect(parsed.error.message).not.toBe('');
  },
);

const acceptable = fc.record(
  {
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_p: fc.double({ min: 0, max: 1, noNaN: true }),
    n: fc.integer({ min: 1, max: 8 }),
    seed: fc.integer(),
    max_tokens: fc.integer({ min: 1, max: 1_000 }),
    stop: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 4 }),
    stream: fc.boolean(),
    user: fc.string(),
    store: fc.constant(false),
    frequency_penalty: fc.constant(0),
    parallel_tool_calls: fc.constant(true),
  },
  { requiredKeys: [] },
);

test.prop([acceptable, fc.string({ minLength: 1 }), fc.string()])(
  'whatever a client writes, the engine is told of the routed adapter and of nothing beside what it knows',
  (fields, model, content) => {
    const parsed = parseRequest('chat.completion', {
      ...fields,
      model,
      messages: [{ role: 'user', content }],
    });
    expect(parsed.ok).toBe(true);
    if (!parsed.ok) return;
    const body = engineBody(parsed.value, { maxTokens: 7 });
    expect(body).not.toHaveProperty('model');
    expect(Object.keys(body).filter((name) => !ENGINE_FIELDS.has(name))).toEqual([]);
    for (const name of ['temperature', 'top_p', 'seed'] as const) expect(body[name]).toEqual(fields[name]);
  },
);

test.prop([acceptable, fc.constantFrom(...HOSTILE), fc.jsonValue()])(
  'one unknown parameter refuses the whole request, whatever else it says',
  (fields, name, hostile) => {
    const text = JSON.stringify({ ...fields, model: 'm', messages: MESSAGES });
    const body: unknown = JSON.parse(
      `${text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(hostile)}}`,
    );
    expect(parseRequest('chat.completion', body)).toMatchObject({ ok: false, error: { param: name } });
  },
);
