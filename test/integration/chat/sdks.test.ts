import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import OpenAI, { APIError } from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installAwsLambdaGlobal } from '#local/host/lambdaStream.ts';
import { type ChatBench, CREDITS, chatHandlerOf, costOf, makeChatBench } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { finishChunk, type ScriptStep, textChunk, usageChunk } from '#test/builders/engine.ts';
import { startTestGateway, type TestGateway } from '#test/builders/gateway.ts';

let database: TestDatabase;
let gateway: TestGateway;
let bench: ChatBench;
beforeAll(async () => {
  installAwsLambdaGlobal();
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  bench = await makeChatBench(database);
  gateway = await serve(bench);
});
afterEach(() => gateway.stop());

/** The chat function behind the local API Gateway. */
function serve({ ports }: ChatBench): Promise<TestGateway> {
  const handler = chatHandlerOf({ ports });
  // Lambda marks a streaming handler with a symbol, which goes along.
  const chat = Object.assign(
    (...call: readonly unknown[]) => Reflect.apply(handler, undefined, call),
    handler,
  );
  return startTestGateway({ chat });
}

const MODEL = 'northwind-support';
const USER = [{ role: 'user' as const, content: 'where is it' }];
const toolCallScript = (): readonly ScriptStep[] => [
  {
    adapter: 'adp_one',
    choices: [
      {
        index: 0,
        finishReason: null,
        delta: {
          tool_calls: [
            { index: 0, id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"order"' } },
          ],
        },
      },
    ],
    usage: null,
  },
  {
    adapter: 'adp_one',
    choices: [
      {
        index: 0,
        finishReason: null,
        delta: { tool_calls: [{ index: 0, id: null, function: { arguments: ':17}' } }] },
      },
    ],
    usage: null,
  },
  finishChunk('tool_calls'),
  usageChunk(3, 2),
];
const FIND = {
  name: 'find',
  description: 'finds an order',
  parameters: { type: 'object', properties: { order: { type: 'number' } } },
};

describe("OpenAI's SDK", () => {
  const client = () => new OpenAI({ baseURL: gateway.url, apiKey: bench.key.id, maxRetries: 0 });

  test('gets a plain answer', async () => {
    const { data, response } = await client()
      .chat.completions.create({ model: MODEL, messages: USER })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello there');
    expect(data.usage?.total_tokens).toBe(5);
    expect(response.headers.get('x-tunegate-adapter')).toBe('adp_one');
  });

  test('gets a stream, with the receipt on its last chunk', async () => {
    const stream = await client().chat.completions.create({
      model: MODEL,
      messages: USER,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let last: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      last = chunk;
    }
    expect(text).toBe('Hello there');
    expect(last).toMatchObject({
      usage: { total_tokens: 5 },
      tunegate: { cost: '0.000123', balance: '0.999877' },
    });
  });

  test('gets a text completion', async () => {
    const completion = await client().completions.create({ model: MODEL, prompt: 'once' });
    expect(completion.choices[0]?.text).toBe('Hello there');
  });

  test('gets tool calls, put together from their parts', async () => {
    bench.engine.answer = toolCallScript;
    const tools = [{ type: 'function' as const, function: FIND }];
    const streamed = client().chat.completions.stream({ model: MODEL, messages: USER, tools });
    const plain = await client().chat.completions.create({ model: MODEL, messages: USER, tools });
    const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"order":17}' } };
    expect(plain.choices[0]?.message.tool_calls).toEqual([call]);
    expect((await streamed.finalChatCompletion()).choices[0]?.message.tool_calls).toMatchObject([call]);
  });

  test('throws its own errors, with our code and link', async () => {
    const broke = await makeChatBench(database, { credits: 0 });
    await gateway.stop();
    gateway = await serve(broke);
    const openai = new OpenAI({ baseURL: gateway.url, apiKey: broke.key.id, maxRetries: 0 });
    const error = await openai.chat.completions
      .create({ model: MODEL, messages: USER })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({
      status: 402,
      code: 'insufficient_credits',
      error: { top_up_url: expect.any(String) },
    });
  });

  test('throws when the engine breaks in mid-stream', async () => {
    bench.engine.answer = () => [textChunk('one '), 'break'];
    const stream = await client().chat.completions.create({ model: MODEL, messages: USER, stream: true });
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'engine_failed' });
  });

  test('hangs up when its stream is left, and is charged for what was generated until then', async () => {
    bench.engine.answer = () => [textChunk('one '), textChunk('two '), 'hang', textChunk('three')];
    const stream = await client().chat.completions.create({ model: MODEL, messages: USER, stream: true });
    for await (const _ of stream) {
      await bench.engine.hanging;
      break;
    }
    await expect
      .poll(() => bench.events, { timeout: 5_000 })
      .toMatchObject([{ status: 'client_closed', outputTokens: 2 }]);
    expect(await bench.settle()).toEqual({ available: CREDITS - costOf(3, 2), held: 0 });
  });
});

describe("Vercel's AI SDK", () => {
  const model = () =>
    createOpenAICompatible({
      name: 'tunegate',
      baseURL: gateway.url,
      apiKey: bench.key.id,
      includeUsage: true,
    })(MODEL);

  test('gets a plain answer', async () => {
    const { text, usage } = await generateText({
      model: model(),
      prompt: 'where is it',
      maxOutputTokens: 50,
      temperature: 0,
    });
    expect([text, usage.totalTokens]).toEqual(['Hello there', 5]);
  });

  test('gets a stream', async () => {
    const result = streamText({ model: model(), system: 'be brief', prompt: 'where is it' });
    let text = '';
    for await (const part of result.textStream) text += part;
    expect([text, await result.finishReason]).toEqual(['Hello there', 'stop']);
  });
});

describe('LangChain', () => {
  const model = () =>
    new ChatOpenAI({
      model: MODEL,
      apiKey: bench.key.id,
      maxRetries: 0,
      configuration: { baseURL: gateway.url },
    });

  test('gets a plain answer', async () => {
    const answer = await model().invoke([new SystemMessage('be brief'), new HumanMessage('where is it')]);
    expect(answer).toMatchObject({ content: 'Hello there', usage_metadata: { total_tokens: 5 } });
  });

  test('gets a stream', async () => {
    let text = '';
    for await (const chunk of await model().stream('where is it')) text += chunk.content;
    expect(text).toBe('Hello there');
  });

  test('gets tool calls', async () => {
    bench.engine.answer = toolCallScript;
    const answer = await model()
      .bindTools([{ type: 'function', function: FIND }])
      .invoke('where is it');
    expect(answer.tool_calls).toMatchObject([{ name: 'find', args: { order: 17 } }]);
  });
});
