import { randomUUID } from 'node:crypto';
import type { Generation, LocalEngine } from '#local/engine/engine.ts';
import { EngineOverloaded } from '#local/engine/lanes.ts';
import { type GenerationRequest, readGenerationRequest } from '#local/engine/parameters.ts';
import { type Answer, errorAnswer, makeAnswer } from './openAiAnswer.ts';

/** Which model a call is for: the bare base, or an adapter under the name that answers carry. */
export type Target = { readonly name: string; readonly adapterPath: string | null };

/** What `/invocations` of a serving container answers: the same contract as vLLM's in the SageMaker container. */
export type ContainerAnswer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | {
      readonly kind: 'stream';
      /** Sends every server-sent event through `write`. Rejects when the generation breaks or is aborted. */
      readonly run: (write: (text: string) => void) => Promise<void>;
    };

/** Answers an OpenAI body. Aborting the signal stops the generation at once and frees its sequence. */
export async function invokeContainer(
  engine: LocalEngine,
  target: Target,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<ContainerAnswer> {
  const request = readGenerationRequest(engine.base, parseJson(body));
  if (!request.ok) return { kind: 'json', status: 400, body: errorAnswer(request.error) };
  const generation = await engine.prepare(target.adapterPath, request.value);
  if (!generation.ok) return { kind: 'json', status: 400, body: errorAnswer(generation.error) };

  const answer = makeAnswer({
    id: `${request.value.operation === 'chat.completion' ? 'chatcmpl' : 'cmpl'}-${randomUUID()}`,
    createdSec: Math.floor(Date.now() / 1000),
    model: target.name,
    operation: request.value.operation,
    choices: request.value.choices,
    promptTokens: generation.value.promptTokens,
  });
  if (request.value.stream) {
    return {
      kind: 'stream',
      run: (write) => streamAnswer(answer, request.value, generation.value, write, signal),
    };
  }
  try {
    await generation.value.run(answer.add, signal);
  } catch (error) {
    if (!(error instanceof EngineOverloaded)) throw error;
    return {
      kind: 'json',
      status: 503,
      body: errorAnswer({ code: 'overloaded', message: error.message, param: null }),
    };
  }
  return { kind: 'json', status: 200, body: answer.whole() };
}

async function streamAnswer(
  answer: Answer,
  request: GenerationRequest,
  generation: Generation,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const send = (chunk: unknown): void => write(`data: ${JSON.stringify(chunk)}\n\n`);
  const usageEach = request.continuousUsage;
  for (const chunk of answer.openingChunks(usageEach)) send(chunk);
  await generation.run((event) => {
    answer.add(event);
    send(answer.chunk(event, usageEach));
  }, signal);
  if (request.includeUsage) send(answer.usageChunk());
  write('data: [DONE]\n\n');
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
