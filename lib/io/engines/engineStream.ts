import {
  EngineBroken,
  type EngineChunk,
  type EngineRefused,
  type EngineRequest,
} from '#core/inference/ports.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { EngineComplaint, type ReadChunk, readChunks } from './chunks.ts';
import { containerRefusal } from './containerRefusal.ts';

/**
 * Reads an engine's answer, up to its first chunk; the rest comes as the stream goes on. Errors: what the engine
 * refuses with in place of a first chunk. Throws EngineBroken where there is none, or another adapter than the wanted
 * one answers. `names` are what the engine may call it.
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
): Promise<Result<AsyncIterable<EngineChunk>, EngineRefused>> {
  const chunks = checkedChunks(request, { names, watch }, readChunks(bounded(parts, request.body)));
  try {
    const first = await chunks.next();
    if (first.done === true) throw new EngineBroken('the engine answered nothing');
    return ok(resumed(first.value, chunks, watch));
  } catch (error) {
    if (!(error instanceof EngineComplaint)) throw error;
    watch.stop();
    return err(containerRefusal(error.status ?? 500, error.text));
  }
}

/** Passes chunks on as long as the adapter that answers is the one that was asked for; the base's name is none. */
async function* checkedChunks(
  { expectedAdapter: adapter, body }: EngineRequest,
  { names, watch }: { readonly names: readonly (string | null)[]; readonly watch: SilenceWatch },
  chunks: AsyncIterable<ReadChunk>,
): AsyncGenerator<EngineChunk> {
  for await (const { model, chunk } of chunks) {
    if (saysSomething(chunk)) watch.heard();
    if (adapter !== null && !names.includes(model)) {
      throw new EngineBroken(
        `adapter not applied: ${adapter} was asked for and ${model ?? 'nothing named'} answered`,
      );
    }
    if (chunk.choices.some(({ index }) => index >= given(body['n'])))
      throw new EngineBroken('the engine answers more often than it was asked to');
    yield { ...chunk, adapter };
  }
}

const ANSWER_BYTES = 1024 * 1024;
/** A token with the log-probabilities of twenty others has some 2 KB. */
const BYTES_PER_TOKEN = 16 * 1024;

/** Ends an answer that goes on and on, whatever number of tokens was asked for. */
async function* bounded(
  parts: AsyncIterable<Uint8Array>,
  body: EngineRequest['body'],
): AsyncGenerator<Uint8Array> {
  const limit = ANSWER_BYTES + BYTES_PER_TOKEN * given(body['max_tokens']) * given(body['n']);
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (bytes > limit) throw new EngineBroken('the engine answers without end');
    yield part;
  }
}

const given = (count: unknown): number => (typeof count === 'number' ? count : 1);

/** Comments that keep a line open, roles and empty texts may come for ever, and bring an answer no nearer. */
const saysSomething = ({ choices, usage }: ReadChunk['chunk']): boolean =>
  (choices.length === 0 && usage !== null) ||
  choices.some(
    ({ delta, finishReason }) =>
      finishReason !== null ||
      Object.entries(delta).some(([key, value]) => key !== 'role' && value !== '' && value !== null),
  );

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

/**
 * The longest that an answer may take. The function lives for fifteen minutes, and has a call to settle before they
 * are over; SageMaker itself ends a stream after eight.
 */
const LONGEST_ANSWER_MS = 12 * 60_000;

/**
 * Aborts when the caller does, when nothing of an answer was heard for `silenceMs`, or when it takes too long
 * altogether. `stop` also ends the call upstream.
 */
export function watchSilence(
  callerSignal: AbortSignal,
  silenceMs: number,
  longestMs: number = LONGEST_ANSWER_MS,
) {
  const own = new AbortController();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    own.abort(new Error('the engine went silent'));
  }, silenceMs);
  const limit = setTimeout(() => own.abort(new Error('the engine took too long')), longestMs);
  return {
    signal: AbortSignal.any([callerSignal, own.signal]),
    heard: (): void => {
      timer.refresh();
    },
    wentSilent: () => silent,
    stop: (): void => {
      clearTimeout(timer);
      clearTimeout(limit);
      own.abort(new Error('the call is over'));
    },
  };
}
