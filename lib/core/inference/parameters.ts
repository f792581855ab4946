import { err, ok, type Result } from '#core/shared/result.ts';
import type { InferenceRefused } from './types.ts';

/**
 * Whether a value of a parameter is its default, so that it has no effect. SDKs send some of these unasked;
 * they pass. With any other value the parameter is refused: nothing is ever dropped silently.
 */
type IsDefault = (value: unknown) => boolean;

/** What a route does with OpenAI's parameters. Every parameter that is in neither list is unknown and refused. */
export type ParameterTable = {
  readonly supported: ReadonlySet<string>;
  readonly defaultOnly: ReadonlyMap<string, IsDefault>;
};

const is =
  (...defaults: readonly unknown[]): IsDefault =>
  (value) =>
    defaults.includes(value);
const isEmptyObject: IsDefault = (value) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const isTextOnly: IsDefault = (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text';
const never: IsDefault = () => false;

const SAMPLING = [
  'model',
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'seed',
  'n',
  'stream',
  'stream_options',
];
const PENALTIES: readonly (readonly [string, IsDefault])[] = [
  ['frequency_penalty', is(0)],
  ['presence_penalty', is(0)],
  ['logit_bias', isEmptyObject],
];

/** Source: OpenAI's API reference, "Create chat completion". */
export const CHAT_PARAMETERS: ParameterTable = {
  supported: new Set([
    ...SAMPLING,
    'messages',
    'max_completion_tokens',
    'response_format',
    'tools',
    'tool_choice',
    'user',
    'safety_identifier',
  ]),
  defaultOnly: new Map<string, IsDefault>([
    ...PENALTIES,
    ['logprobs', is(false)],
    ['top_logprobs', is(0)],
    ['parallel_tool_calls', is(true)],
    ['store', is(false)],
    ['metadata', isEmptyObject],
    ['modalities', isTextOnly],
    ['service_tier', is('auto', 'default')],
    ['reasoning_effort', is('none')],
    ['verbosity', is('medium')],
    ['audio', never],
    ['prediction', never],
    ['web_search_options', never],
    ['moderation', never],
    ['prompt_cache_key', never],
    ['prompt_cache_retention', never],
    ['functions', never],
    ['function_call', never],
  ]),
};

/** Source: OpenAI's API reference, "Create completion". */
export const COMPLETION_PARAMETERS: ParameterTable = {
  supported: new Set([...SAMPLING, 'prompt', 'user']),
  defaultOnly: new Map<string, IsDefault>([
    ...PENALTIES,
    ['best_of', is(1)],
    ['echo', is(false)],
    ['logprobs', never],
    ['suffix', never],
  ]),
};

const INSTEAD: Readonly<Record<string, string>> = {
  functions: ' Use tools.',
  function_call: ' Use tool_choice.',
};

/**
 * Keeps the parameters that are given and supported. `null` means "not given", as at OpenAI.
 * Errors: unsupported_parameter with `param`.
 */
export function givenParameters(
  body: Readonly<Record<string, unknown>>,
  table: ParameterTable,
): Result<Readonly<Record<string, unknown>>, InferenceRefused> {
  const given: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    const isDefault = table.defaultOnly.get(name);
    if (!table.supported.has(name) && isDefault === undefined) {
      return err(
        unsupported(
          name,
          `The parameter ${JSON.stringify(name.slice(0, 64))} is not known here. Leave it out.`,
        ),
      );
    }
    if (value === null) continue;
    if (isDefault === undefined) given.push([name, value]);
    else if (!isDefault(value)) {
      return err(
        unsupported(
          name,
          `The parameter ${name} is not supported with this value. Leave it out.${INSTEAD[name] ?? ''}`,
        ),
      );
    }
  }
  return ok(Object.fromEntries(given));
}

export const unsupported = (param: string, message: string): InferenceRefused => ({
  code: 'unsupported_parameter',
  message,
  param: param.slice(0, 64),
});
