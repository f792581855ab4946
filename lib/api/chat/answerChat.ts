import { Readable } from 'node:stream';
import * as z from 'zod/mini';
import { readBody } from '#api/edge/readBody.ts';
import { readRequest } from '#api/edge/readRequest.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import { admitCaller } from '#core/inference/admitCaller.ts';
import { parseRequest } from '#core/inference/parseRequest.ts';
import type { InferencePorts } from '#core/inference/ports.ts';
import { ENGINE_FAILED } from '#core/inference/refusals.ts';
import type { RunningCall } from '#core/inference/runCall.ts';
import { startInference } from '#core/inference/startInference.ts';
import type { Completion, InferenceRefused, InferenceRequest } from '#core/inference/types.ts';
import { parseId, type RequestId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { callStream } from './callStream.ts';
import { adapterHeader, completionObject, receiptHeaders } from './completionObject.ts';
import { eventStreamWriter, eventsOf } from './eventStream.ts';
import { limitHeaders } from './limitHeaders.ts';
import { matchChatRoute } from './matchChatRoute.ts';

/** Long prompts and tool schemas fit; Lambda itself takes 6 MB. */
export const MAX_CHAT_BODY_BYTES = 4_000_000;
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]+$/;

export type ChatDependencies = {
  readonly ports: InferencePorts;
  /** Where a client without credits buys some. */
  readonly topUpUrl: string;
};

/** An answer and what is left to do behind it: `ended` settles when the call is metered. */
export type ChatAnswer =
  | { readonly kind: 'plain'; readonly response: ApiResponse; readonly ended: Promise<void> }
  | {
      readonly kind: 'stream';
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Readable;
      readonly ended: Promise<void>;
    };

/** Answers `POST /chat/completions` and `/completions`, given API Gateway's event. */
export async function answerChat(dependencies: ChatDependencies, event: unknown): Promise<ChatAnswer> {
  const request = readRequest(event, { matchRoute: matchChatRoute, maxBodyBytes: MAX_CHAT_BODY_BYTES });
  if (!request.ok) return plain(refuse(request.error));
  const { ports, topUpUrl } = dependencies;

  const caller = await admitCaller(ports, request.value.headers['authorization']);
  if (!caller.ok) return plain(refuse(toApiError(caller.error, topUpUrl)));
  const asked = readInference(request.value);
  if (!asked.ok) return plain(refuse(asked.error));

  const started = await startInference(ports, {
    caller: caller.value,
    request: asked.value.inference,
    requestId: requestIdIn(ports, request.value),
    idempotencyKey: asked.value.idempotencyKey,
    network: await ports.networkOf(request.value.address, caller.value.tenant.id, ports.world.clock()),
  });
  if (!started.ok) return plain(refuse(toApiError(started.error, topUpUrl)));
  if (started.value.kind === 'replayed') return replay(asked.value.inference, started.value.completion);
  return asked.value.inference.stream
    ? stream(asked.value.inference, started.value.call)
    : collect(started.value.call, topUpUrl);
}

const NOTHING_LEFT = Promise.resolve();
const plain = (response: ApiResponse, ended = NOTHING_LEFT): ChatAnswer => ({
  kind: 'plain',
  response,
  ended,
});

type Asked = { readonly inference: InferenceRequest; readonly idempotencyKey: string | undefined };

function readInference(request: ApiRequest): Result<Asked, ApiError> {
  const idempotencyKey = request.headers['idempotency-key'];
  if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) {
    return err({
      code: 'invalid_request',
      message: `An Idempotency-Key has 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters, such as a UUID.`,
    });
  }
  const body = readBody(request, z.unknown());
  if (!body.ok) return body;
  const operation = request.routeId === 'createCompletion' ? 'text_completion' : 'chat.completion';
  const inference = parseRequest(operation, body.value);
  return inference.ok ? ok({ inference: inference.value, idempotencyKey }) : inference;
}

const isIdempotencyKey = (text: string): boolean =>
  text.length <= MAX_IDEMPOTENCY_KEY_CHARACTERS && IDEMPOTENCY_KEY.test(text);

/** API Gateway's id of the request as an id of ours, so that a charge can be found by what the client saw. */
const requestIdIn = (ports: InferencePorts, request: ApiRequest): RequestId =>
  (request.requestId === 'unknown' ? undefined : parseId<RequestId>('request', `req_${request.requestId}`)) ??
  ports.world.newId<RequestId>('request');

/** What a day or a month has to end for: OpenAI's SDKs then do not ask again by themselves. */
const NOT_SOON: Partial<Readonly<Record<InferenceRefused['code'], Readonly<Record<string, string>>>>> = {
  spend_cap_reached: { 'x-should-retry': 'false' },
};

function toApiError(refused: InferenceRefused, topUpUrl: string): ApiError {
  const { code, message, param, retryAfterSeconds, limits, reason } = refused;
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return {
    code,
    message,
    param,
    headers: { ...retry, ...NOT_SOON[code], ...limitHeaders(limits) },
    ...(code === 'insufficient_credits' ? { extra: { top_up_url: topUpUrl } } : {}),
    ...(reason === undefined ? {} : { extra: { reason } }),
  };
}

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8' };
const REPLAYED = { 'x-tunegate-replayed': 'true' };

function stream(request: InferenceRequest, call: RunningCall): ChatAnswer {
  const { id, createdSec, adapter } = call;
  const body = callStream(call, eventStreamWriter({ id, createdSec, adapter, request }));
  return {
    kind: 'stream',
    headers: { ...EVENT_STREAM, ...adapterHeader(adapter), ...limitHeaders(call.limits) },
    body,
    ended: call.ended,
  };
}

/** Runs a call to its end and answers it whole. */
async function collect(call: RunningCall, topUpUrl: string): Promise<ChatAnswer> {
  for (;;) {
    const event = await call.next(); // ends with the engine's stream
    if (event?.kind === 'finished') {
      const { completion } = event;
      return plain(
        respond(200, completionObject(completion), {
          ...receiptHeaders(completion.receipt),
          ...limitHeaders(call.limits),
        }),
        call.ended,
      );
    }
    if (event?.kind === 'broken') return plain(refuse(toApiError(ENGINE_FAILED, topUpUrl)), call.ended);
    if (event === undefined) throw new Error('a call ended without an end');
  }
}

function replay(request: InferenceRequest, completion: Completion): ChatAnswer {
  const headers = { ...receiptHeaders(completion.receipt), ...REPLAYED };
  if (!request.stream) return plain(respond(200, completionObject(completion), headers));
  const { id, createdSec, receipt } = completion;
  const write = eventStreamWriter({ id, createdSec, adapter: receipt.adapter, request });
  const body = Readable.from(eventsOf(completion).map(write), { objectMode: false });
  return { kind: 'stream', headers: { ...EVENT_STREAM, ...headers }, body, ended: NOTHING_LEFT };
}
