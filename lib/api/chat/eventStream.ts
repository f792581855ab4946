import { errorBody } from '#api/errors.ts';
import type { Completion, Delta, InferenceEvent, InferenceRequest } from '#core/inference/types.ts';
import { receiptObject, usageObject } from './completionObject.ts';

/** What every chunk of one stream repeats. */
export type StreamFrame = {
  readonly id: string;
  readonly createdSec: number;
  readonly adapter: string | null;
  readonly request: Pick<InferenceRequest, 'operation' | 'model' | 'includeUsage'>;
};

const DONE = 'data: [DONE]\n\n';

/**
 * Writes the events of one call as OpenAI's server-sent events. The `tunegate` extension (cost, balance, adapter)
 * is on the usage chunk where the client asked for one, else on the last finish chunk. An engine that breaks ends
 * the stream with an error event and without `[DONE]`.
 */
export function eventStreamWriter(frame: StreamFrame): (event: InferenceEvent) => string {
  const chunk = chunkWriter(frame);
  const begun = new Set<number>();
  return (event) => {
    switch (event.kind) {
      case 'delta': {
        const isFirst = !begun.has(event.index);
        begun.add(event.index);
        return chunk({ choices: [deltaChoice(frame, event, isFirst)] });
      }
      case 'finished':
        return finishChunks(frame, event.completion, chunk) + DONE;
      case 'broken':
        return sse({ ...errorBody(BROKEN), tunegate: receiptObject(event.completion.receipt) });
    }
  };
}

/** A kept answer as the events that a stream of it consists of. */
export function eventsOf(completion: Completion): readonly InferenceEvent[] {
  const deltas = completion.choices.flatMap(({ index, content, toolCalls }): InferenceEvent[] => {
    const calls = toolCalls.map((call, position) => ({ index: position, ...call }));
    const delta = {
      ...(content === null ? {} : { content }),
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    };
    return Object.keys(delta).length === 0 ? [] : [{ kind: 'delta', index, delta }];
  });
  return [...deltas, { kind: completion.broken ? 'broken' : 'finished', completion }];
}

const BROKEN = {
  code: 'engine_failed',
  message: 'The model failed in mid-answer. What was delivered is charged; try again for a whole answer.',
} as const;

type ChunkWriter = (fields: Readonly<Record<string, unknown>>) => string;

const chunkWriter = ({ id, createdSec, adapter, request }: StreamFrame): ChunkWriter => {
  const object = request.operation === 'chat.completion' ? 'chat.completion.chunk' : 'text_completion';
  const head = { id, object, created: createdSec, model: request.model, system_fingerprint: adapter };
  // With usage asked for, every chunk but the last says null, as OpenAI does.
  const usage = request.includeUsage ? { usage: null } : {};
  return (fields) => sse({ ...head, ...usage, ...fields });
};

function finishChunks(frame: StreamFrame, completion: Completion, chunk: ChunkWriter): string {
  const receipt = { tunegate: receiptObject(completion.receipt) };
  const last = completion.choices.length - 1;
  const finishes = completion.choices.map(({ index, finishReason }, at) =>
    chunk({
      choices: [finishChoice(frame, index, finishReason)],
      ...(at === last && !frame.request.includeUsage ? receipt : {}),
    }),
  );
  const usage = frame.request.includeUsage
    ? [chunk({ choices: [], usage: usageObject(completion.usage), ...receipt })]
    : [];
  return [...finishes, ...usage].join('');
}

function deltaChoice(
  { request }: StreamFrame,
  { index, delta }: { readonly index: number; readonly delta: Delta },
  isFirst: boolean,
) {
  if (request.operation === 'text_completion') {
    return { index, text: delta.content ?? '', logprobs: null, finish_reason: null };
  }
  const chatDelta = {
    ...(isFirst ? { role: 'assistant' } : {}),
    ...(delta.content === undefined ? {} : { content: delta.content }),
    ...(delta.toolCalls === undefined ? {} : { tool_calls: delta.toolCalls }),
  };
  return { index, delta: chatDelta, logprobs: null, finish_reason: null };
}

const finishChoice = ({ request }: StreamFrame, index: number, finishReason: string | null) =>
  request.operation === 'text_completion'
    ? { index, text: '', logprobs: null, finish_reason: finishReason }
    : { index, delta: {}, logprobs: null, finish_reason: finishReason };

const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
