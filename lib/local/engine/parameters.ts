import * as z from 'zod/mini';
import { PromptNotExpressible } from '#core/inference/ports.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type PromptPiece, plainPrompt } from '#io/chatPrompt.ts';
import type { BaseModel } from './baseModel.ts';
import { type JsonSchema, unsupportedInSchema } from './jsonSchema.ts';

export type AnswerFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: JsonSchema };

/** An OpenAI body, read: everything in it is honoured. */
export type GenerationRequest = {
  readonly operation: 'chat.completion' | 'text_completion';
  readonly prompt: readonly PromptPiece[];
  /** Null: as many as the context has room for. */
  readonly maxTokens: number | null;
  readonly choices: number;
  readonly temperature: number;
  readonly topP: number;
  /** Choice i is drawn with `seed + i`. Null: another one each time. */
  readonly seed: number | null;
  readonly stop: readonly string[];
  readonly format: AnswerFormat;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** vLLM's extension: running usage in every chunk. */
  readonly continuousUsage: boolean;
};

export type RequestRefused = {
  readonly code: 'invalid_request' | 'context_length_exceeded';
  readonly message: string;
  readonly param: string | null;
};

const MAX_CHOICES = 16;
const MAX_STOPS = 4;
const MAX_UINT32 = 0xffffffff;
const MAX_MESSAGES = 2_048;

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ name: z.optional(z.string()), schema: z.record(z.string(), z.unknown()) }),
  }),
]);

const Message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
  name: z.optional(z.string()),
});

const common = {
  model: z.optional(z.string()),
  user: z.nullish(z.string()),
  max_tokens: z.nullish(z.int().check(z.positive())),
  n: z.nullish(z.int().check(z.gte(1), z.lte(MAX_CHOICES))),
  temperature: z.nullish(z.number().check(z.gte(0), z.lte(2))),
  top_p: z.nullish(z.number().check(z.gte(0), z.lte(1))),
  seed: z.nullish(z.int()),
  stop: z.nullish(z.union([z.string(), z.array(z.string()).check(z.maxLength(MAX_STOPS))])),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(
    z.strictObject({
      include_usage: z.optional(z.boolean()),
      continuous_usage_stats: z.optional(z.boolean()),
    }),
  ),
};
const ChatBody = z.strictObject({
  ...common,
  messages: z.array(Message).check(z.minLength(1), z.maxLength(MAX_MESSAGES)),
  max_completion_tokens: z.nullish(z.int().check(z.positive())),
  response_format: z.nullish(ResponseFormat),
});
const TextBody = z.strictObject({ ...common, prompt: z.string() });

/**
 * Reads an OpenAI body for this base model. What the local engine cannot honour is refused, never dropped:
 * among others logprobs, penalties, logit_bias and tools (the small base has no tool format).
 */
export function readGenerationRequest(
  base: BaseModel,
  body: unknown,
): Result<GenerationRequest, RequestRefused> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse('The body must be a JSON object.', null);
  }
  if ('tools' in body || 'tool_choice' in body) {
    return refuse(`The model ${base.id} has no format for tools. Leave tools and tool_choice out.`, 'tools');
  }
  if ('prompt' in body) {
    const parsed = z.safeParse(TextBody, body);
    if (!parsed.success) return refuseIssue(parsed.error.issues[0]);
    return ok({
      ...sampling(base, parsed.data),
      operation: 'text_completion',
      prompt: plainPrompt(parsed.data.prompt),
      format: { kind: 'text' },
    });
  }
  const parsed = z.safeParse(ChatBody, body);
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]);
  const format = answerFormat(parsed.data.response_format ?? { type: 'text' });
  if (!format.ok) return format;
  const prompt = chatPrompt(base, parsed.data.messages);
  if (!prompt.ok) return prompt;
  return ok({
    ...sampling(base, parsed.data),
    maxTokens: parsed.data.max_completion_tokens ?? parsed.data.max_tokens ?? null,
    operation: 'chat.completion',
    prompt: prompt.value,
    format: format.value,
  });
}

function chatPrompt(
  base: BaseModel,
  messages: readonly unknown[],
): Result<readonly PromptPiece[], RequestRefused> {
  try {
    return ok(base.chatPrompt(messages));
  } catch (error) {
    if (!(error instanceof PromptNotExpressible)) throw error;
    return refuse(`The chat template of ${base.id} cannot express these messages.`, 'messages');
  }
}

type Common = z.infer<typeof TextBody>;

function sampling(base: BaseModel, body: Omit<Common, 'prompt'>) {
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  return {
    maxTokens: body.max_tokens ?? null,
    choices: body.n ?? 1,
    temperature: body.temperature ?? base.defaults.temperature,
    topP: body.top_p ?? base.defaults.topP,
    seed: body.seed ?? null,
    stop: stop.filter((text) => text !== ''),
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    continuousUsage: body.stream_options?.continuous_usage_stats ?? false,
  };
}

function answerFormat(format: z.infer<typeof ResponseFormat>): Result<AnswerFormat, RequestRefused> {
  if (format.type === 'text') return ok({ kind: 'text' });
  if (format.type === 'json_object') return ok({ kind: 'json' });
  const { schema } = format.json_schema;
  const problem = unsupportedInSchema(schema);
  if (problem !== undefined) {
    return refuse(`response_format.json_schema.schema: ${problem}`, 'response_format');
  }
  return ok({ kind: 'schema', schema });
}

const refuse = (message: string, param: string | null): Result<never, RequestRefused> =>
  err({ code: 'invalid_request', message, param });

type Issue = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly keys?: readonly string[];
};

function refuseIssue(issue: Issue | undefined): Result<never, RequestRefused> {
  const unknownKey = issue?.keys?.[0];
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])]
    .map(String)
    .join('.');
  if (unknownKey !== undefined) {
    return refuse(`${path} is not supported by the local engine. Leave it out.`, path);
  }
  return refuse(`${path || 'body'}: ${issue?.message ?? 'invalid'}`, path || null);
}
export const wrapSeed = (seed: number): number =>
  ((seed % (MAX_UINT32 + 1)) + (MAX_UINT32 + 1)) % (MAX_UINT32 + 1);
