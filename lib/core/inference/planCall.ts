import { bookInForce } from '#core/pricing/priceBooks.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import { chooseVersion } from '#core/routing/chooseVersion.ts';
import type { ModelVersion, ServedBy } from '#core/routing/types.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Caller } from '#core/tenants/ports.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { type BaseModel, baseModelOf } from './baseModels.ts';
import { noSuchModel } from './noSuchModel.ts';
import { type InferencePorts, PromptNotExpressible, type TokenCounter } from './ports.ts';
import type { InferenceRefused, InferenceRequest, Prompt } from './types.ts';

/** Everything that is settled about a call before credits are held for it. */
export type CallPlan = {
  readonly route: ModelRoute;
  /** What answers this call, and why this one. */
  readonly version: ModelVersion;
  readonly servedBy: ServedBy;
  readonly book: PriceBook;
  readonly inputTokens: number;
  /** Of one choice. */
  readonly maxTokens: number;
  /** The most that the call can cost. */
  readonly quoteMicro: MicroCredits;
};

type Planned = { readonly caller: Caller; readonly request: InferenceRequest; readonly nowMs: number };

/** No tokenizer has longer tokens; a prompt that cannot fit by this measure is refused without counting. */
const MAX_CHARACTERS_PER_TOKEN = 256;

/**
 * Finds what answers the alias, counts the prompt, checks that it fits the model's context, and quotes the most
 * that the call can cost. Errors: model_not_found (also for another tenant's model), model_not_deployed (a checkpoint
 * that is not in service, whoever's), context_length_exceeded, invalid_request for messages that the model cannot
 * read, prices_not_in_force, unpriced_model.
 */
export async function planCall(
  ports: Pick<InferencePorts, 'tokens' | 'priceBooks' | 'readModels'>,
  call: Planned,
): Promise<Result<CallPlan, InferenceRefused>> {
  const { caller, request } = call;
  const route = routeOf(caller.models, call) ?? routeOf(await ports.readModels(caller), call);
  if (route === undefined) return err(noSuchModel(request.model));
  const { version, servedBy } = chooseVersion(route, request.user || caller.key.id);
  const base = baseModelOf(version.baseModel);
  if (base === undefined)
    throw new Error(`the base model ${version.baseModel} is not in the table of base models`);

  if (charactersOf(request.prompt) > base.contextTokens * MAX_CHARACTERS_PER_TOKEN) {
    return tooLong(
      `This model's maximum context length is ${base.contextTokens} tokens; the prompt is far longer. Shorten it.`,
      request,
    );
  }
  const counted = await countPrompt(ports.tokens, version.baseModel, request.prompt);
  if (!counted.ok) return counted;
  const inputTokens = counted.value;
  const maxTokens = outputLimit(base, inputTokens, request);
  if (!maxTokens.ok) return maxTokens;

  const book = bookInForce(await ports.priceBooks.current(), {
    id: caller.tenant.priceBookId,
    tenantId: caller.tenant.id,
    atMs: call.nowMs,
  });
  if (book === undefined) return notForSale('prices_not_in_force', NO_PRICES_YET);
  const outputTokens = maxTokens.value * request.choices;
  const quote = quoteCall(
    book,
    { tenantId: caller.tenant.id, model: request.model, startedAtMs: call.nowMs },
    { inputTokens, outputTokens },
  );
  if (!quote.ok) return notForSale(quote.error.code, NO_PRICE);
  return ok({
    route,
    version,
    servedBy,
    book,
    inputTokens,
    maxTokens: maxTokens.value,
    quoteMicro: quote.value,
  });
}

/** The caller's own model of the name that the call gives. */
const routeOf = (
  models: readonly ModelRoute[],
  { caller, request }: Pick<Planned, 'caller' | 'request'>,
): ModelRoute | undefined =>
  models.find(({ alias, tenantId }) => alias === request.model && tenantId === caller.tenant.id);

async function countPrompt(
  tokens: TokenCounter,
  baseModel: string,
  prompt: Prompt,
): Promise<Result<number, InferenceRefused>> {
  if (prompt.kind === 'text') return ok(await tokens.countText(baseModel, prompt.text));
  try {
    return ok(await tokens.countChat(baseModel, prompt.messages, prompt.tools));
  } catch (error) {
    if (!(error instanceof PromptNotExpressible)) throw error;
    return err({
      code: 'invalid_request',
      message: 'This model cannot read these messages: it may know no tools, or want another order of roles.',
      param: 'messages',
    });
  }
}

/** The most tokens of one choice: what the client asked, else the default as far as the context has room. */
function outputLimit(
  base: BaseModel,
  inputTokens: number,
  request: InferenceRequest,
): Result<number, InferenceRefused> {
  const room = base.contextTokens - inputTokens;
  const wanted = request.maxTokens ?? Math.min(base.defaultMaxTokens, Math.max(room, 1));
  if (wanted <= room) return ok(wanted);
  return tooLong(
    `This model's maximum context length is ${base.contextTokens} tokens. You asked for ${inputTokens + wanted} ` +
      `(${inputTokens} in the prompt, ${wanted} for the answer). Shorten one of them.`,
    request,
  );
}

const tooLong = (message: string, request: InferenceRequest) =>
  err<InferenceRefused>({
    code: 'context_length_exceeded',
    message,
    param: request.prompt.kind === 'chat' ? 'messages' : 'prompt',
  });

const NO_PRICES_YET =
  'No prices are in force for your account yet. Nothing was charged; ask whoever gave you the key from when on you may call.';
const NO_PRICE =
  'This model has no price for your account yet. Nothing was charged; ask whoever gave you the key for one, or use another model.';

const notForSale = (code: 'prices_not_in_force' | 'unpriced_model', message: string) =>
  err<InferenceRefused>({ code, message, param: 'model' });

/** Tools and tool calls count too; the marks of JSON around them do no harm to so coarse a measure. */
const charactersOf = (prompt: Prompt): number =>
  prompt.kind === 'text' ? prompt.text.length : JSON.stringify([prompt.messages, prompt.tools]).length;
