import { EngineBroken, type EngineChunk, type EngineRequest } from '#core/inference/ports.ts';
import { type ReadChunk, readChunks } from './chunks.ts';

/**
 * Reads an engine's answer, up to its first chunk; the rest comes as the stream goes on. Throws EngineBroken where
 * there is no first chunk, or another adapter than the wanted one answers. `names` are what the engine may call it.
 */
export async function openStream(
  request: EngineRequest,
  {
    parts,
    names,
    watch,
  }: {
    readonly parts: AsyncIterable<Uint8Array>;
    readonly names: readonly (string | null)[];
    readonly watch: SilenceWatch;
  },
): Promise<AsyncIterable<EngineChunk>> {
  const chunks = checkedChunks(request.expectedAdapter, names, readChunks(parts));
  const first = await chunks.next();
  if (first.done === true) throw new EngineBroken('the engine answered nothing');
  return resumed(first.value, chunks, watch);
}

/** Passes chunks on as long as the adapter that answers is the one that was asked for; the base's name is none. */
async function* checkedChunks(
  adapter: string | null,
  names: readonly (string | null)[],
  chunks: AsyncIterable<ReadChunk>,
): AsyncGenerator<EngineChunk> {
  for await (const { model, chunk } of chunks) {
    if (adapter !== null && !names.includes(model)) {
      throw new EngineBroken(
        `adapter not applied: ${adapter} was asked for and ${model ?? 'nothing named'} answered`,
      );
    }
    yield { ...chunk, adapter };
  }
}

/** The stream that the caller sees. Leaving it early, by `break` or by the signal, ends the call upstream too. */
async function* resumed(
  first: EngineChunk,
  rest: AsyncGenerator<EngineChunk>,
  watch: SilenceWatch,
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

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export type SilenceWatch = ReturnType<typeof watchSilence>;

/** Aborts when the caller does, or when nothing was heard for `silenceMs`. `stop` also ends the call upstream. */
export function watchSilence(callerSignal: AbortSignal, silenceMs: number) {
  const own = new AbortController();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    own.abort(new Error('the engine went silent'));
  }, silenceMs);
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
