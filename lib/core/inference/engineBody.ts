import { versionName } from '#core/routing/chooseVersion.ts';
import type { ModelVersion } from '#core/routing/types.ts';
import type { InferenceRequest, Prompt } from './types.ts';

/**
 * The body that the engine gets, built field by field: nothing of the client's body is spread into it, so that no
 * `model`, `adapters` or `lora` of a client can reach an engine that serves many tenants. `model` is the adapter
 * that the route names (or the base). Always a stream with usage: plain answers are collected from it.
 */
export function engineBody(
  request: InferenceRequest,
  routed: { readonly model: string; readonly maxTokens: number },
): Readonly<Record<string, unknown>> {
  return {
    model: routed.model,
    ...promptFields(request.prompt),
    max_tokens: routed.maxTokens,
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

/** What the engine that runs a version calls it. */
export const engineModel = ({ adapterId, baseModel, engine }: ModelVersion): string =>
  (engine?.kind === 'openai' ? engine.model : undefined) ?? versionName({ adapterId, baseModel });
