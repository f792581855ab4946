import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Engine, EngineRefused, EngineRequest } from '#core/inference/ports.ts';
import type { EnginePlace } from '#core/routing/types.ts';
import { err } from '#core/shared/result.ts';
import { containerRefusal } from './containerRefusal.ts';
import { messageOf, openStream, type SilenceWatch, watchSilence } from './engineStream.ts';
import { publicLookup } from './publicLookup.ts';

/** How long a server may be silent where its place does not say. */
const SILENCE_MS = 60_000;
const MAX_REFUSAL_BYTES = 16_384;
const LOADING_RETRY_SECONDS = 10;
const MAX_RETRY_SECONDS = 300;

type OpenAiPlace = Extract<EnginePlace, { readonly kind: 'openai' }>;

export type OpenAiEngineOptions = {
  /** The text of a place's secret, by the name in it. */
  readonly readSecret: (name: string) => Promise<string>;
  readonly allowLoopback: boolean;
  /** Absent: what the function that calls has time for. */
  readonly longestAnswerMs?: number;
};

/**
 * The engine behind any server that speaks OpenAI's API, such as vLLM on a machine with a GPU. Follows no
 * redirections, and connects to public addresses alone.
 */
export function makeOpenAiEngine(options: OpenAiEngineOptions): Engine {
  return {
    generate: async (request) => {
      const place = request.engine;
      if (place?.kind !== 'openai') throw new Error('the call is for another kind of engine');
      const watch = watchSilence(request.signal, place.timeoutMs ?? SILENCE_MS, options.longestAnswerMs);
      try {
        const answer = await post(place, request, watch, options);
        if (answer.statusCode !== 200) {
          const refusal = refusalOf(answer, await readText(answer));
          watch.stop();
          return err(refusal);
        }
        const names = [request.expectedAdapter, String(request.body['model'])];
        return await openStream(request, { parts: answer, names, watch });
      } catch (error) {
        const message = watch.wentSilent() ? 'the engine did not answer in time' : messageOf(error);
        watch.stop();
        return err({ code: 'engine_failed', message });
      }
    },
  };
}

/** Rejects where the server cannot be reached, or does not answer in time. */
async function post(
  place: OpenAiPlace,
  { body }: EngineRequest,
  watch: SilenceWatch,
  { readSecret, allowLoopback }: OpenAiEngineOptions,
): Promise<IncomingMessage> {
  if (!isAllowed(place.url, allowLoopback)) throw new Error("the engine's address is not one for engines");
  const url = `${place.url}${'prompt' in body ? '/completions' : '/chat/completions'}`;
  const bytes = Buffer.from(
    JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
  );
  const headers = {
    'content-type': 'application/json',
    'content-length': bytes.length,
    accept: 'text/event-stream',
    ...(place.secret === undefined ? {} : { authorization: `Bearer ${await readSecret(place.secret)}` }),
  };
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    send(url, { method: 'POST', headers, signal: watch.signal, lookup: publicLookup }, resolve)
      .on('error', reject)
      .end(bytes);
  });
}

/**
 * `parseEngineUrl` checked the address when it was set; this is what of it a mistake would reach inside with. Names
 * are looked up by `publicLookup`, addresses are not looked up at all.
 */
function isAllowed(text: string, allowLoopback: boolean): boolean {
  const { protocol, hostname } = new URL(text);
  if (protocol !== 'https:') return allowLoopback && hostname === '127.0.0.1';
  return isIP(hostname) === 0 && !hostname.startsWith('[');
}

async function readText(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of answer.setEncoding('utf8')) {
    text += part;
    if (text.length > MAX_REFUSAL_BYTES) break;
  }
  return text;
}

/** 503 is how servers, and balancers in front of sleeping ones, say that the model is on its way. */
function refusalOf({ statusCode = 0, headers }: IncomingMessage, text: string): EngineRefused {
  const refusal: EngineRefused =
    statusCode === 503
      ? { code: 'model_loading', retryAfterSeconds: LOADING_RETRY_SECONDS }
      : containerRefusal(statusCode, text);
  const asked = Number(headers['retry-after']);
  return 'retryAfterSeconds' in refusal && asked > 0
    ? { ...refusal, retryAfterSeconds: Math.min(Math.ceil(asked), MAX_RETRY_SECONDS) }
    : refusal;
}
