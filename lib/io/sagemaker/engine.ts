import {
  InvokeEndpointWithResponseStreamCommand,
  type ResponseStream,
  type SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import { type Engine, EngineBroken, type EngineRefused, type EngineRequest } from '#core/inference/ports.ts';
import { err } from '#core/shared/result.ts';
import { messageOf, openStream, type SilenceWatch, watchSilence } from '#io/engines/engineStream.ts';
import { ownEndpoint } from './ownEndpoint.ts';
import { refusalOf } from './refusals.ts';

/** Beyond this without a byte the engine counts as gone; SageMaker itself ends a silent stream after a minute. */
const SILENCE_MS = 60_000;

/** So often at most is a base knocked at, and so long is listened. */
const KNOCK_AGAIN_MS = 20_000;
const KNOCK_MS = 1_000;

export type SageMakerPlaces = {
  /** The shared endpoint. */
  readonly endpointName: string;
  /** The base model's inference component there: an account may have the same base on several endpoints. */
  readonly baseComponent: string;
};

/**
 * The engine behind SageMaker endpoints with inference components: the shared one, or a version's own. Always a
 * stream, also for plain calls: what was generated before a client hangs up is then known exactly.
 */
export function makeSageMakerEngine(
  client: SageMakerRuntimeClient,
  { endpointName, baseComponent }: SageMakerPlaces,
): Engine {
  const knock = makeKnock(client);
  return {
    generate: async (request) => {
      const { engine, inferenceComponentName, expectedAdapter } = request;
      const endpoint = engine?.kind === 'sagemaker' ? engine.endpoint : undefined;
      const watch = watchSilence(request.signal, SILENCE_MS);
      const EndpointName = ownEndpoint(endpointName, endpoint);
      const base = ownEndpoint(baseComponent, endpoint);
      const isBase = isBareBase(request);
      try {
        const answer = await client.send(
          new InvokeEndpointWithResponseStreamCommand({
            EndpointName,
            InferenceComponentName: isBase ? base : inferenceComponentName,
            ContentType: 'application/json',
            Body: Buffer.from(JSON.stringify(streamingBody(request.body))),
          }),
          { abortSignal: watch.signal },
        );
        const parts = payloads(answer.Body ?? noEvents());
        // Engines name the adapter, or its inference component, which belongs to one adapter for ever.
        const names = [expectedAdapter, inferenceComponentName];
        return await openStream(request, { parts, names, watch });
      } catch (error) {
        const refusal = refusalBefore(error, watch);
        watch.stop();
        if (refusal.code === 'model_loading' && !isBase) await knock(EndpointName, base);
        return err(refusal);
      }
    },
  };
}

/**
 * Asks a base for nothing, because an adapter found nobody awake: what wakes the base up are calls that find no copy
 * of the base itself, and calls of adapters may be counted for these alone. Awake, it refuses at no cost.
 */
function makeKnock(client: SageMakerRuntimeClient) {
  const knockedAtMs = new Map<string, number>();
  return async (EndpointName: string, InferenceComponentName: string): Promise<void> => {
    const nowMs = Date.now();
    if (nowMs - (knockedAtMs.get(EndpointName) ?? 0) < KNOCK_AGAIN_MS) return;
    knockedAtMs.set(EndpointName, nowMs);
    await client
      .send(
        new InvokeEndpointWithResponseStreamCommand({
          EndpointName,
          InferenceComponentName,
          ContentType: 'application/json',
          Body: Buffer.from('{}'),
        }),
        { abortSignal: AbortSignal.timeout(KNOCK_MS) },
      )
      .catch(() => undefined);
  };
}

/** A version without an adapter and without a component named by hand bears its base model's name. */
const isBareBase = ({ expectedAdapter, inferenceComponentName, body }: EngineRequest): boolean =>
  expectedAdapter === null && inferenceComponentName === body['model'];

/** Running usage in every chunk is vLLM's extension; engines that do not know it leave it out. */
const streamingBody = (body: EngineRequest['body']): Readonly<Record<string, unknown>> => ({
  ...body,
  stream: true,
  stream_options: { include_usage: true, continuous_usage_stats: true },
});

async function* payloads(events: AsyncIterable<ResponseStream>): AsyncGenerator<Uint8Array> {
  for await (const event of events) {
    if (event.PayloadPart?.Bytes !== undefined) yield event.PayloadPart.Bytes;
    // The SDK throws the two exceptions of a stream itself; some versions hand them over as events.
    const problem = event.ModelStreamError ?? event.InternalStreamFailure;
    if (problem !== undefined) throw new EngineBroken(`the engine's stream broke: ${problem.name}`);
  }
}

async function* noEvents(): AsyncGenerator<ResponseStream> {}

function refusalBefore(error: unknown, watch: SilenceWatch): EngineRefused {
  if (error instanceof EngineBroken || watch.signal.aborted) return failed(watch, messageOf(error));
  return refusalOf(error);
}

const failed = (watch: SilenceWatch, message: string): EngineRefused => ({
  code: 'engine_failed',
  message: watch.wentSilent() ? 'the engine did not answer in time' : message,
});
