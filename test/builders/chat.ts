import { Writable } from 'node:stream';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { makeChatHandler } from '#api/chat/chatHandler.ts';
import type { InferencePorts } from '#core/inference/ports.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import type { ShadowCall } from '#core/routing/types.ts';
import type { AdapterId, GrantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import type { Caller } from '#core/tenants/ports.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { makeIdempotencyStore } from '#io/dynamodb/idempotencyStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { systemWorld } from '#io/world.ts';
import type { TestDatabase } from './database.ts';
import { scriptedEngine } from './engine.ts';
import { proxyEvent, quietLog } from './http.ts';
import { fixedBooks } from './prices.ts';
import { aKey, aModel, aTenant } from './tenants.ts';

/** 1 µcr per input token, 10 per output token, 100 per request: small numbers, so that a test can say them. */
const PRICE_BOOKS = {
  currency: 'USD',
  usdPerCredit: '1',
  books: [
    {
      id: 'test',
      version: 1,
      effectiveFrom: '2020-01-01T00:00:00Z',
      prices: [
        { model: '*', perRequest: '0.0001', perMillionInputTokens: '1', perMillionOutputTokens: '10' },
      ],
    },
  ],
};
const PER_REQUEST = 100;
const PER_INPUT = 1;
const PER_OUTPUT = 10;

export function testPriceBooks() {
  const books = parsePriceBooks(PRICE_BOOKS);
  if (!books.ok) throw new Error(books.error.message);
  return books.value;
}

/** Words are tokens: a stand-in where a test needs token counts that can be read off the text. */
export const wordCounter: InferencePorts['tokens'] = {
  countChat: async (_, messages) => JSON.stringify(messages).split(/\s+/).length,
  countText: async (_, text) => text.split(/\s+/).filter((word) => word !== '').length,
};

export type ChatBench = Awaited<ReturnType<typeof makeChatBench>>;

/** A tenant with credits, and the ports of the chat flow: real ledger and idempotency store, a scripted engine. */
export async function makeChatBench(
  database: TestDatabase,
  {
    credits = 1_000_000,
    priceBookId = 'test',
    adapterId = 'adp_one',
    model: over = {},
  }: {
    readonly credits?: number;
    readonly priceBookId?: string;
    readonly adapterId?: string;
    readonly model?: Partial<ModelRoute>;
  } = {},
) {
  const tenant = aTenant({ priceBookId });
  const key = aKey({ tenantId: tenant.id });
  const model = aModel({
    tenantId: tenant.id,
    adapterId: adapterId as AdapterId,
    inferenceComponentName: 'ic-one',
    ...over,
  });
  const caller: Caller = { tenant, key, models: [model] };
  const ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
  await ledger.openAccount(tenant.id, micro(0));
  if (credits > 0) await giveCredits(ledger, caller, credits);

  const engine = scriptedEngine();
  const events: UsageEvent[] = [];
  const copies: ShadowCall[] = [];
  const logged: { level: string; message: string; details: unknown }[] = [];
  const keep = (level: string) => (message: string, details: unknown) =>
    void logged.push({ level, message, details });
  const ports: InferencePorts = {
    world: systemWorld,
    authenticate: async (header) => (header === `Bearer ${key.id}` ? caller : undefined),
    readModels: async ({ models }) => models,
    networkOf: async (address) => address,
    priceBooks: fixedBooks(testPriceBooks()),
    tokens: wordCounter,
    ledger,
    engine,
    usage: { send: async (event) => void events.push(event) },
    shadows: { send: async (copy) => void copies.push(copy) },
    idempotency: makeIdempotencyStore(database.client, `${database.prefix}idempotency`),
    log: {
      warn: keep('warn'),
      error: keep('error'),
      unsentUsage: (event) => keep('unsent')('unsent', event),
    },
  };

  const balance = async () => {
    const account = await ledger.readAccount(tenant.id);
    return { available: account?.availableMicro, held: account?.heldMicro };
  };
  /** Settles what was metered so far, as the settle-usage function does, and answers what is left. */
  const settle = async () => {
    for (const event of events) await ledger.settle(tenant.id, [{ event, amountMicro: priceOf(event) }]);
    return balance();
  };
  return {
    tenant,
    key,
    model,
    caller,
    ledger,
    engine,
    events,
    copies,
    logged,
    ports,
    balance,
    settle,
    authorization: `Bearer ${key.id}`,
  };
}

export function priceOf(event: UsageEvent) {
  const book = bookByVersion(testPriceBooks(), event.priceBook);
  const price = book === undefined ? undefined : rateUsage(book, event);
  if (price?.ok !== true) throw new Error('the event cannot be rated');
  return price.value;
}

async function giveCredits(ledger: Ledger, { tenant }: Caller, amount: number): Promise<void> {
  const grantId = systemWorld.newId<GrantId>('grant');
  const granted = await ledger.grant({
    tenantId: tenant.id,
    grantId,
    kind: 'pack',
    amountMicro: micro(amount),
    source: { kind: 'payment', id: grantId },
    reason: 'test',
    actor: 'test',
    nowMs: Date.now(),
  });
  if (!granted.ok) throw new Error(granted.error.code);
}

export const TOP_UP_URL = 'https://agency.example/top-up';
export const CREDITS = 1_000_000;
/** What the test's price book asks for a call. */
export const costOf = (input: number, output: number) =>
  PER_REQUEST + input * PER_INPUT + output * PER_OUTPUT;
/** A request that the bench's tenant may make. */
export const ASK = { model: 'northwind-support', messages: [{ role: 'user', content: 'where is it' }] };

export type AskOptions = {
  readonly headers?: Record<string, string>;
  readonly path?: string;
  /** What API Gateway calls the request; absent: the same for all. */
  readonly requestId?: string;
};

/** The chat function's handler over the bench's ports. Lambda's global must be there: middy asks for it here. */
export function chatHandlerOf(bench: Pick<ChatBench, 'ports'>) {
  const { logger, metrics } = quietLog();
  return makeChatHandler({ ports: bench.ports, topUpUrl: TOP_UP_URL, logger, metrics });
}

/** Begins a call of the chat function's handler over the bench's ports. */
export async function beginCall(
  bench: ChatBench,
  body: unknown,
  { headers = {}, path, requestId }: AskOptions = {},
) {
  installLambdaStreaming();
  const handler = chatHandlerOf(bench);
  const event = proxyEvent('POST', path ?? '/v1/chat/completions', {
    body,
    headers: { Authorization: bench.authorization, ...headers },
  });
  if (requestId !== undefined) event.requestContext.requestId = requestId;
  return invokeStreaming(handler, event);
}

/** Makes a call and waits until its invocation has ended. */
export async function ask(bench: ChatBench, body: unknown, options?: AskOptions): Promise<StreamedAnswer> {
  const answer = await beginCall(bench, body, options);
  await answer.invocation;
  return answer;
}

export type StreamedAnswer = {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** Rejects when the invocation failed. */
  invocation: Promise<void>;
  /** Resolves with the first bytes of the body. */
  firstBytes: Promise<void>;
  /** What a client that hangs up does to the response. */
  hangUp: () => void;
};

type StreamingHandler = (event: unknown, stream: Writable, context: Context) => Promise<void>;

/** Lambda's own global, as far as a streaming handler needs it. */
function installLambdaStreaming(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => handler,
      HttpResponseStream: {
        from: (stream: Writable & { head?: unknown }, head: unknown) => Object.assign(stream, { head }),
      },
    },
  });
}

/** Invokes a streaming handler as Lambda does, and keeps what it wrote. */
function invokeStreaming(handler: unknown, event: APIGatewayProxyEvent): StreamedAnswer {
  const first = Promise.withResolvers<void>();
  const stream: Writable & { head?: { statusCode: number; headers: Record<string, string> } } = new Writable({
    write(chunk, _, done) {
      answer.text += String(chunk);
      if (answer.text !== '') first.resolve();
      done();
    },
  });
  stream.on('error', () => {});
  const invoke = handler as StreamingHandler;
  const answer: StreamedAnswer = {
    status: 0,
    headers: {},
    text: '',
    firstBytes: first.promise,
    hangUp: () => void stream.destroy(),
    invocation: invoke(event, stream, { awsRequestId: 'test' } as Context).finally(() => {
      answer.status = stream.head?.statusCode ?? 0;
      answer.headers = stream.head?.headers ?? {};
      first.resolve();
    }),
  };
  return answer;
}

/** The JSON of each `data:` line; `[DONE]` as that text. */
export const sseData = (text: string) =>
  text
    .split('\n\n')
    .filter((block) => block.startsWith('data: '))
    .map((block) => (block === 'data: [DONE]' ? '[DONE]' : JSON.parse(block.slice('data: '.length))));
