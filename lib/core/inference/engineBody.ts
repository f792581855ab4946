import type { InferenceRequest, Prompt } from './types.ts';

/**
 * The body that the engine gets, built field by field: nothing of the client's body is spread into it, so that no
 * `model`, `adapters` or `lora` of a client can reach an engine that serves many tenants. `model` is added by
 * `engineCall`. Always a stream with usage: plain answers are collected from it.
 */
export function engineBody(
  request: InferenceRequest,
  limits: { readonly maxTokens: number },
): Readonly<Record<string, unknown>> {
  return {
    ...promptFields(request.prompt),
    max_tokens: limits.maxTokens,
    n: request.choices,
    ...given('temperature', request.temperature),
    ...given('top_p', request.topP),
    ...given('seed', request.seed),
    ...given('stop', request.stop),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function promptFields(prompt: Prompt): Readonly<Record<string, unknown>> {
  if (prompt.kind === 'text') return { prompt: prompt.text };
  return {
    messages: prompt.messages,
    ...given('tools', prompt.tools),
    ...given('tool_choice', prompt.toolChoice),
    ...given('response_format', prompt.responseFormat),
  };
}

const given = (name: string, value: unknown): Readonly<Record<string, unknown>> =>
  value === undefined ? {} : { [name]: value };
