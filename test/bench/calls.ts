import { Writable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { makeChatHandler } from '#api/chat/chatHandler.ts';
import type { wireChat } from '#io/wire/chat.ts';
import { lambdaContext, proxyEvent } from '#test/builders/http.ts';
import type { BenchTenant } from './product.ts';

/** How long one call took, in milliseconds from its start. */
export type CallTimes = { readonly firstTokenMs: number; readonly wholeMs: number };

export type ChatParts = ReturnType<typeof wireChat>;

const MESSAGES = [{ role: 'user', content: 'Where is my order, and when will it arrive?' }];
const SAMPLING = { max_tokens: 8, temperature: 0, seed: 7 };

/** Calls the engine alone, with what the chat function would send it. */
export async function callEngine({ ports }: ChatParts, tenant: BenchTenant): Promise<CallTimes> {
  const startedMs = performance.now();
  let firstTokenMs = 0;
  const generated = await ports.engine.generate({
    tenantId: tenant.id,
    inferenceComponentName: tenant.componentName,
    expectedAdapter: tenant.adapterId,
    body: {
      model: tenant.adapterId ?? tenant.componentName,
      messages: MESSAGES,
      ...SAMPLING,
      n: 1,
      stream: true,
      stream_options: { include_usage: true },
    },
    signal: AbortSignal.timeout(60_000),
  });
  if (!generated.ok) throw new Error(`the engine refused: ${JSON.stringify(generated.error)}`);
  for await (const { choices } of generated.value) {
    if (choices.some(({ delta }) => hasContent(delta['content'])))
      firstTokenMs ||= performance.now() - startedMs;
  }
  return { firstTokenMs, wholeMs: performance.now() - startedMs };
}

// Engines begin with a chunk that names the role alone, which nobody waits for.
export const hasContent = (content: unknown): boolean => typeof content === 'string' && content !== '';
const CONTENT = /"content":"[^"]/;

type StreamingHandler = (
  event: APIGatewayProxyEvent,
  stream: Writable,
  context: typeof lambdaContext,
) => Promise<void>;

/** Calls the whole chat function, put together from these parts. */
export const makeChatCall = (parts: ChatParts) =>
  // Its type is that of a plain handler; in this mode Lambda calls it with the stream as the second argument.
  makeHandlerCall(makeChatHandler(parts) as unknown as StreamingHandler);

/** Calls the chat function's handler as Lambda does, streaming; `onFirstToken` hears of the first text of the answer. */
export function makeHandlerCall(handler: StreamingHandler) {
  return async (tenant: BenchTenant, onFirstToken: () => void = () => undefined): Promise<CallTimes> => {
    const event = proxyEvent('POST', '/chat/completions', {
      headers: { Authorization: tenant.authorization },
      body: { model: tenant.model, messages: MESSAGES, ...SAMPLING, stream: true },
    });
    const startedMs = performance.now();
    let firstTokenMs = 0;
    let wholeMs = 0;
    let text = '';
    const stream = new Writable({
      write: (chunk: Buffer, _, done) => {
        text += chunk;
        if (firstTokenMs === 0 && CONTENT.test(text)) {
          firstTokenMs = performance.now() - startedMs;
          onFirstToken();
        }
        done();
      },
      final: (done) => {
        wholeMs = performance.now() - startedMs;
        done();
      },
    });
    await handler(event, stream, lambdaContext);
    if (!text.endsWith('data: [DONE]\n\n') || text.includes('"error"'))
      throw new Error(`the call failed: ${text}`);
    return { firstTokenMs, wholeMs };
  };
}
