import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { Messages, toChatMessages } from './messages.ts';
import { CHAT_PARAMETERS, COMPLETION_PARAMETERS, givenParameters } from './parameters.ts';
import type { InferenceRefused, InferenceRequest, Prompt, ToolChoice } from './types.ts';

/** OpenAI allows 128; every choice is generated, held and charged, so a smaller limit guards against slips. */
export const MAX_CHOICES = 8;
const MAX_STOPS = 4;
const MAX_TOOLS = 128;
const MAX_TOKENS = 1_000_000;
const MAX_PARAM_CHARACTERS = 200;
const SCHEMA_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

const jsonSchema = z.record(z.string(), z.unknown());
const schemaName = z.string().check(z.regex(SCHEMA_NAME, 'must be at most 64 letters, digits, _ and -'));
const tokenCount = z.optional(z.int().check(z.minimum(1), z.maximum(MAX_TOKENS)));
const opaqueUser = z.optional(z.string().check(z.maxLength(256)));
const stopText = z.string().check(z.minLength(1), z.maxLength(256));

const common = {
  model: z.string().check(z.minLength(1), z.maxLength(256)),
  max_tokens: tokenCount,
  temperature: z.optional(z.number().check(z.minimum(0), z.maximum(2))),
  top_p: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  stop: z.optional(z.union([stopText, z.array(stopText).check(z.maxLength(MAX_STOPS))])),
  seed: z.optional(z.int()),
  n: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_CHOICES))),
  stream: z.optional(z.boolean()),
  stream_options: z.optional(
    z.strictObject({
      include_usage: z.nullish(z.boolean()),
      include_obfuscation: z.nullish(z.literal(false, 'is not supported: leave it out')),
    }),
  ),
  user: opaqueUser,
};

const ToolSchema = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: schemaName,
    description: z.optional(z.string()),
    parameters: z.optional(jsonSchema),
    strict: z.nullish(z.boolean()),
  }),
});

const ResponseFormatSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: schemaName,
      description: z.optional(z.string()),
      schema: z.optional(jsonSchema),
      strict: z.nullish(z.boolean()),
    }),
  }),
]);

const ChatBody = z.object({
  ...common,
  messages: Messages,
  max_completion_tokens: tokenCount,
  response_format: z.optional(ResponseFormatSchema),
  tools: z.optional(z.array(ToolSchema).check(z.maxLength(MAX_TOOLS))),
  tool_choice: z.optional(
    z.union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
    ]),
  ),
  safety_identifier: opaqueUser,
});

const CompletionBody = z.object({
  ...common,
  prompt: z.union([
    z.string(),
    z
      .array(z.string())
      .check(z.length(1, 'must hold one text: several prompts in one call are not supported')),
  ]),
});

/**
 * Reads a body of `POST /chat/completions` or `/completions`. Every parameter of OpenAI's is supported or refused,
 * never dropped. Errors: invalid_request and unsupported_parameter, each with `param`.
 */
export function parseRequest(
  operation: InferenceRequest['operation'],
  body: unknown,
): Result<InferenceRequest, InferenceRefused> {
  if (!isObject(body)) return invalid('The body must be a JSON object.', null);
  return operation === 'chat.completion' ? parseChat(body) : parseCompletion(body);
}

/** Not by a schema: a schema leaves out `__proto__` without a word, and here nothing is left out. */
const isObject = (body: unknown): body is Readonly<Record<string, unknown>> =>
  typeof body === 'object' && body !== null && !Array.isArray(body);

function parseChat(body: Readonly<Record<string, unknown>>): Result<InferenceRequest, InferenceRefused> {
  const given = givenParameters(body, CHAT_PARAMETERS);
  if (!given.ok) return given;
  const parsed = z.safeParse(ChatBody, given.value, { reportInput: true });
  if (!parsed.success) return invalidShape(parsed.error);
  const chat = parsed.data;
  const maxTokens = chat.max_completion_tokens ?? chat.max_tokens;
  if (chat.max_tokens !== undefined && chat.max_tokens !== maxTokens) {
    return invalid('max_tokens and max_completion_tokens differ: give one of them.', 'max_tokens');
  }
  const messages = toChatMessages(chat.messages);
  if (!messages.ok) return messages;
  const unknownTool = misnamedTool(chat.tool_choice, chat.tools ?? []);
  if (unknownTool !== undefined) return unknownTool;
  return build(
    'chat.completion',
    { ...chat, max_tokens: maxTokens, user: chat.user ?? chat.safety_identifier },
    {
      kind: 'chat',
      messages: messages.value,
      ...(chat.tools === undefined ? {} : { tools: chat.tools }),
      ...(chat.tool_choice === undefined ? {} : { toolChoice: chat.tool_choice }),
      ...(chat.response_format === undefined ? {} : { responseFormat: chat.response_format }),
    },
  );
}

function parseCompletion(
  body: Readonly<Record<string, unknown>>,
): Result<InferenceRequest, InferenceRefused> {
  const given = givenParameters(body, COMPLETION_PARAMETERS);
  if (!given.ok) return given;
  const parsed = z.safeParse(CompletionBody, given.value, { reportInput: true });
  if (!parsed.success) return invalidShape(parsed.error);
  const { prompt } = parsed.data;
  const text = typeof prompt === 'string' ? prompt : (prompt[0] ?? '');
  return build('text_completion', parsed.data, { kind: 'text', text });
}

type CommonFields = z.infer<z.ZodMiniObject<typeof common>>;

function build(
  operation: InferenceRequest['operation'],
  fields: CommonFields,
  prompt: Prompt,
): Result<InferenceRequest, InferenceRefused> {
  const stream = fields.stream ?? false;
  if (fields.stream_options !== undefined && !stream) {
    return invalid(
      'stream_options is only for streams: set stream to true, or leave it out.',
      'stream_options',
    );
  }
  const stops = typeof fields.stop === 'string' ? [fields.stop] : (fields.stop ?? []);
  return ok({
    operation,
    model: fields.model,
    prompt,
    maxTokens: fields.max_tokens ?? null,
    choices: fields.n ?? 1,
    ...(fields.temperature === undefined ? {} : { temperature: fields.temperature }),
    ...(fields.top_p === undefined ? {} : { topP: fields.top_p }),
    ...(fields.seed === undefined ? {} : { seed: fields.seed }),
    ...(stops.length === 0 ? {} : { stop: stops }),
    stream,
    includeUsage: fields.stream_options?.include_usage ?? false,
    user: fields.user ?? null,
  });
}

function misnamedTool(choice: ToolChoice | undefined, tools: readonly z.infer<typeof ToolSchema>[]) {
  if (choice === undefined) return undefined;
  if (choice !== 'none' && tools.length === 0) {
    return invalid('tool_choice is only for calls with tools: give tools, or leave it out.', 'tool_choice');
  }
  if (typeof choice === 'string' || tools.some((tool) => tool.function.name === choice.function.name)) {
    return undefined;
  }
  return invalid('tool_choice names a function that is not among the tools.', 'tool_choice.function.name');
}

const invalid = (message: string, param: string | null) =>
  err<InferenceRefused>({ code: 'invalid_request', message, param });

function invalidShape(error: z.core.$ZodError) {
  const { path, message } = describeIssue(error);
  return invalid(`'${path}' ${message}.`, path.slice(0, MAX_PARAM_CHARACTERS));
}
