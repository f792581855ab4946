import {
  InvokeEndpointWithResponseStreamCommand,
  type ResponseStream,
  type SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import {
  type Engine,
  EngineBroken,
  type EngineChunk,
  type EngineRefused,
  type EngineRequest,
} from '#core/inference/ports.ts';
import { err, ok } from '#core/shared/result.ts';
import { type ReadChunk, readChunks } from './chunks.ts';
import { refusalOf } from './refusals.ts';

/** Beyond this without a byte the engine counts as gone; SageMaker itself ends a silent stream after a minute. */
const SILENCE_MS = 60_000;

/**
 * The engine behind a SageMaker endpoint with inference components. Always a stream, also for plain calls: what was
 * generated before a client hangs up is then known exactly. Retries are the client's (`maxAttempts`) and end before
 * the first chunk.
 */
export function makeSageMakerEngine(client: SageMakerRuntimeClient, endpointName: string): Engine {
  return {
    generate: async (request) => {
      const watch = watchSilence(request.signal);
      try {
        const answer = await client.send(
          new InvokeEndpointWithResponseStreamCommand({
            EndpointName: endpointName,
            InferenceComponentName: request.inferenceComponentName,
            ContentType: 'application/json',
            Body: Buffer.from(JSON.stringify(streamingBody(request.body))),
          }),
          { abortSignal: watch.signal },
        );
        const chunks = checkedChunks(request, readChunks(payloads(answer.Body ?? noEvents(), watch.heard)));
        const first = await chunks.next();
        if (first.done === true) throw new EngineBroken('the engine answered nothing');
        return ok(resumed(first.value, chunks, watch));
      } catch (error) {
        const refusal = refusalBefore(error, watch);
        watch.stop();
        return err(refusal);
      }
    },
  };
}

/** Running usage in every chunk is vLLM's extension; engines that do not know it leave it out. */
const streamingBody = (body: EngineRequest['body']): Readonly<Record<string, unknown>> => ({
  ...body,
  stream: true,
  stream_options: { include_usage: true, continuous_usage_stats: true },
});

async function* payloads(
  events: AsyncIterable<ResponseStream>,
  heard: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const event of events) {
    heard();
    if (event.PayloadPart?.Bytes !== undefined) yield event.PayloadPart.Bytes;
    // The SDK throws the two exceptions of a stream itself; some versions hand them over as events.
    const problem = event.ModelStreamError ?? event.InternalStreamFailure;
    if (problem !== undefined) throw new EngineBroken(`the engine's stream broke: ${problem.name}`);
  }
}

async function* noEvents(): AsyncGenerator<ResponseStream> {}

/**
 * Passes chunks on as long as the adapter that answers is the one that was asked for. Engines name it by the adapter
 * or by its inference component, which belongs to one adapter for ever; the base's name is neither.
 */
async function* checkedChunks(
  request: EngineRequest,
  chunks: AsyncIterable<ReadChunk>,
): AsyncGenerator<EngineChunk> {
  for await (const { model, chunk } of chunks) {
    const named = model === request.expectedAdapter || model === request.inferenceComponentName;
    if (request.expectedAdapter !== null && !named) {
      throw new EngineBroken(
        `adapter not applied: ${request.expectedAdapter} was asked for and ${model ?? 'nothing named'} answered`,
      );
    }
    yield { ...chunk, adapter: request.expectedAdapter };
  }
}

/** The stream that the caller sees. Leaving it early, by `break` or by the signal, ends the call upstream too. */
async function* resumed(
  first: EngineChunk,
  rest: AsyncGenerator<EngineChunk>,
  watch: Watch,
): AsyncGenerator<EngineChunk> {
  try {
    yield first;
    yield* rest;
  } catch (error) {
    if (error instanceof EngineBroken) throw error;
    throw new EngineBroken(watch.wentSilent() ? 'the engine went silent' : messageOf(error), {
      cause: error,
    });
  } finally {
    watch.stop();
  }
}

function refusalBefore(error: unknown, watch: Watch): EngineRefused {
  if (error instanceof EngineBroken || watch.signal.aborted) return failed(watch, messageOf(error));
  return refusalOf(error);
}

const failed = (watch: Watch, message: string): EngineRefused => ({
  code: 'engine_failed',
  message: watch.wentSilent() ? 'the engine did not answer in time' : message,
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Watch = ReturnType<typeof watchSilence>;

/** Aborts when the caller does, or when nothing was heard for `SILENCE_MS`. `stop` also ends the call upstream. */
function watchSilence(callerSignal: AbortSignal) {
  const own = new AbortController();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    own.abort(new Error('the engine went silent'));
  }, SILENCE_MS);
  return {
    signal: AbortSignal.any([callerSignal, own.signal]),
    heard: (): void => {
      timer.refresh();
    },
    wentSilent: () => silent,
    stop: (): void => {
      clearTimeout(timer);
      own.abort(new Error('the call is over'));
    },
  };
}
