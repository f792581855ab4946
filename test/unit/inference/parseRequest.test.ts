import { describe, expect, test } from 'vitest';
import { engineBody } from '#core/inference/engineBody.ts';
import { parseRequest } from '#core/inference/parseRequest.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];
const chat = (extra: object = {}) =>
  parseRequest('chat.completion', { model: 'm', messages: MESSAGES, ...extra });
const completion = (extra: object = {}) =>
  parseRequest('text_completion', { model: 'm', prompt: 'hi', ...extra });

function accepted(result: ReturnType<typeof chat>) {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
const bodyOf = (result: ReturnType<typeof chat>) => engineBody(accepted(result), { maxTokens: 9 });
const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });

describe('a chat request', () => {
  test.each([
    ['max_tokens', { max_tokens: 5 }, { maxTokens: 5 }],
    ['max_completion_tokens', { max_completion_tokens: 5 }, { maxTokens: 5 }],
    ['both, where they agree', { max_tokens: 5, max_completion_tokens: 5 }, { maxTokens: 5 }],
    ['neither', {}, { maxTokens: null }],
    ['n', { n: 3 }, { choices: 3 }],
    ['one stop', { stop: 'X' }, { stop: ['X'] }],
    ['several stops', { stop: ['X', 'Y'] }, { stop: ['X', 'Y'] }],
    ['user', { user: 'ada' }, { user: 'ada' }],
    ['safety_identifier', { safety_identifier: 'ada' }, { user: 'ada' }],
    [
      'null for "not given"',
      { temperature: null, stop: null, stream: null, tools: null, logit_bias: null },
      { stream: false },
    ],
    ['usage on streams', { stream: true, stream_options: { include_usage: true } }, { includeUsage: true }],
  ])('may have %s', (_, extra, expected) => {
    expect(accepted(chat(extra))).toMatchObject(expected);
  });

  test.each([
    ['temperature', { temperature: 0.2 }],
    ['top_p', { top_p: 0.9 }],
    ['seed', { seed: 42 }],
    ['stop', { stop: ['END'] }],
    ['n', { n: 2 }],
    ['tools', { tools: [tool('f')] }],
    ['response_format', { response_format: { type: 'json_object' } }],
    [
      'response_format',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 's', schema: { type: 'object' }, strict: true },
        },
      },
    ],
  ])('passes %s to the engine as it is', (name, extra) => {
    expect(bodyOf(chat(extra))[name]).toEqual(Object.values(extra)[0]);
  });

  test.each([
    ['a function of its tools', { type: 'function', function: { name: 'f' } }],
    ['a mode', 'required'],
  ])('passes tool_choice, %s, to the engine', (_, tool_choice) => {
    expect(bodyOf(chat({ tools: [tool('f')], tool_choice }))['tool_choice']).toEqual(tool_choice);
  });

  test.each([
    [{ frequency_penalty: 0 }, { frequency_penalty: 0.1 }],
    [{ presence_penalty: 0 }, { presence_penalty: -1 }],
    [{ logit_bias: {} }, { logit_bias: { 50256: -100 } }],
    [{ logprobs: false }, { logprobs: true }],
    [{ top_logprobs: 0 }, { top_logprobs: 2 }],
    [{ parallel_tool_calls: true }, { parallel_tool_calls: false }],
    [{ store: false }, { store: true }],
    [{ metadata: {} }, { metadata: { a: 'b' } }],
    [{ modalities: ['text'] }, { modalities: ['text', 'audio'] }],
    [{ service_tier: 'auto' }, { service_tier: 'flex' }],
    [{ reasoning_effort: 'none' }, { reasoning_effort: 'high' }],
    [{ verbosity: 'medium' }, { verbosity: 'low' }],
    [{ audio: null }, { audio: { voice: 'alloy', format: 'wav' } }],
    [{ prediction: null }, { prediction: { type: 'content', content: 'x' } }],
    [{ web_search_options: null }, { web_search_options: {} }],
    [{ functions: null }, { functions: [] }],
    [{ function_call: null }, { function_call: 'auto' }],
    [{ prompt_cache_key: null }, { prompt_cache_key: 'k' }],
  ])('may carry %j, which changes nothing, and not %j', (harmless, effective) => {
    expect(bodyOf(chat(harmless))).toEqual(bodyOf(chat()));
    const [param] = Object.keys(effective);
    expect(chat(effective)).toMatchObject({ ok: false, error: { code: 'unsupported_parameter', param } });
  });

  test.each([
    'adapters',
    'lora',
    'lora_name',
    'adapter_id',
    'extra_body',
    '__proto__',
    'constructor',
    'guided_json',
  ])('is refused with the unknown %s, even as null', (name) => {
    for (const value of [null, 'x', {}]) {
      const body: unknown = JSON.parse(
        `{"model":"m","messages":[{"role":"user","content":"hi"}],${JSON.stringify(name)}:${JSON.stringify(value)}}`,
      );
      expect(parseRequest('chat.completion', body)).toMatchObject({
        ok: false,
        error: { code: 'unsupported_parameter', param: name },
      });
    }
  });

  test.each([
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty conversation', { messages: [] }, 'messages'],
    ['a model that is no text', { model: 7 }, 'model'],
    ['an empty model', { model: '' }, 'model'],
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    ['a message without content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
    [
      'an assistant that says nothing',
      { messages: [{ role: 'assistant', content: null }] },
      'messages[0].content',
    ],
    ['a tool answer to nothing', { messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [
      'a stranger in a message',
      { messages: [{ role: 'user', content: 'x', lora: 'y' }] },
      'messages[0].lora',
    ],
    ['zero tokens', { max_tokens: 0 }, 'max_tokens'],
    ['half a token', { max_tokens: 1.5 }, 'max_tokens'],
    ['two different limits', { max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens'],
    ['heat', { temperature: 2.1 }, 'temperature'],
    ['a top_p above 1', { top_p: 1.1 }, 'top_p'],
    ['no choices', { n: 0 }, 'n'],
    ['too many choices', { n: 9 }, 'n'],
    ['five stops', { stop: ['1', '2', '3', '4', '5'] }, 'stop'],
    ['an empty stop', { stop: [''] }, 'stop[0]'],
    ['stream as a text', { stream: 'true' }, 'stream'],
    ['stream options without a stream', { stream_options: { include_usage: true } }, 'stream_options'],
    ['an unknown stream option', { stream: true, stream_options: { x: 1 } }, 'stream_options.x'],
    ['an unknown format', { response_format: { type: 'xml' } }, 'response_format.type'],
    [
      'a schema without a name',
      { response_format: { type: 'json_schema', json_schema: {} } },
      'response_format.json_schema.name',
    ],
    ['a tool that is no function', { tools: [{ type: 'web' }] }, 'tools[0].type'],
    ['a choice of tools without tools', { tool_choice: 'auto' }, 'tool_choice'],
    [
      'a choice of a tool that is not there',
      { tools: [tool('f')], tool_choice: { type: 'function', function: { name: 'g' } } },
      'tool_choice.function.name',
    ],
  ])('is refused with %s', (_, extra, param) => {
    expect(chat(extra)).toMatchObject({ ok: false, error: { code: 'invalid_request', param } });
  });

  test.each([['image_url'], ['input_audio'], ['file']])(
    'is refused with a part of type %s, by name',
    (type) => {
      const messages = [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type, [type]: { url: 'x' } },
          ],
        },
      ];
      expect(chat({ messages })).toMatchObject({
        ok: false,
        error: { code: 'unsupported_parameter', param: 'messages[0].content[1].type' },
      });
    },
  );

  test('reads every role, joins text parts, and takes its own answers back', () => {
    const messages = [
      { role: 'developer', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two' },
        ],
        name: 'ada',
      },
      {
        role: 'assistant',
        content: null,
        refusal: null,
        annotations: [],
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', content: 'done', tool_call_id: 'c1' },
    ];
    expect(bodyOf(chat({ messages }))['messages']).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'one\ntwo', name: 'ada' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', content: 'done', tool_call_id: 'c1' },
    ]);
  });

  test.each([[null], [7], ['x'], [[]], [[{ model: 'm' }]]])('is refused as %j', (body) => {
    expect(parseRequest('chat.completion', body)).toMatchObject({
      ok: false,
      error: { code: 'invalid_request', param: null },
    });
  });
});

describe('a text completion', () => {
  test('has a prompt, plain or as a list of one', () => {
    expect(accepted(completion()).prompt).toEqual({ kind: 'text', text: 'hi' });
    expect(accepted(completion({ prompt: ['hi'] })).prompt).toEqual({ kind: 'text', text: 'hi' });
  });
  test.each([
    ['several prompts', { prompt: ['a', 'b'] }, 'prompt'],
    ['tokens', { prompt: [1] }, 'prompt[0]'],
    ['no prompt', { prompt: undefined }, 'prompt'],
  ])('is refused with %s', (_, extra, param) => {
    expect(completion(extra)).toMatchObject({ ok: false, error: { code: 'invalid_request', param } });
  });
  test.each([
    [{ best_of: 1 }, { best_of: 2 }],
    [{ echo: false }, { echo: true }],
    [{ suffix: null }, { suffix: 'x' }],
    [{ logprobs: null }, { logprobs: 0 }],
  ])('may carry %j, which changes nothing, and not %j', (harmless, effective) => {
    expect(bodyOf(completion(harmless))).toEqual(bodyOf(completion()));
    expect(completion(effective)).toMatchObject({ ok: false, error: { code: 'unsupported_parameter' } });
  });
  test('knows nothing of messages', () => {
    expect(completion({ messages: MESSAGES })).toMatchObject({ ok: false, error: { param: 'messages' } });
  });
});
