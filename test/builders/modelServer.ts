import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';

/** One request as the server got it. */
export type ServerRequest = {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
};

type Answer = (request: ServerRequest, response: ServerResponse) => void | Promise<void>;

export type ModelServer = {
  /** The base URL of an engine: it ends with `/v1`. */
  readonly url: string;
  readonly requests: ServerRequest[];
  /** How the next requests are answered. */
  answer: Answer;
  readonly stop: () => Promise<void>;
};

/**
 * A real HTTP server that speaks OpenAI's API on this machine, and misbehaves as it is told. It stands in for vLLM on
 * a server with a GPU where a test needs an exact answer or an exact failure.
 */
export async function startModelServer(): Promise<ModelServer> {
  const server = createServer((request, response) => {
    void serve(request, response);
  });
  const requests: ServerRequest[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const asked: ServerRequest = {
      url: request.url ?? '',
      authorization: request.headers.authorization,
      body: JSON.parse(Buffer.concat(parts).toString('utf8')),
    };
    requests.push(asked);
    await model.answer(asked, response);
  };
  const url = await listenOnLoopback(server, 0);
  const model: ModelServer = {
    url: `${url}/v1`,
    requests,
    answer: words('Hello', ' there'),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return model;
}

/** Streams the words, a token each, as vLLM does: server-sent events, the usage last. */
export const words =
  (...all: readonly string[]): Answer =>
  async (request, response) => {
    begin(response);
    for (const word of all) response.write(event(chunk(request, { content: word })));
    end(request, response, all.length);
  };

/** The same as JSON lines, the other format of model servers. */
export const jsonLines =
  (...all: readonly string[]): Answer =>
  (request, response) => {
    response.writeHead(200, { 'content-type': 'application/jsonlines' });
    for (const word of all) response.write(`${JSON.stringify(chunk(request, { content: word }))}\n`);
    response.write(`${JSON.stringify(chunk(request, {}, 'stop'))}\n`);
    response.end(`${JSON.stringify(usage(request, all.length))}\n`);
  };

/** Sends words with a pause before each. */
export const slowWords =
  (pauseMs: number, ...all: readonly string[]): Answer =>
  async (request, response) => {
    begin(response);
    for (const word of all) {
      await sleep(pauseMs);
      response.write(event(chunk(request, { content: word })));
    }
    end(request, response, all.length);
  };

/** Takes the request and never says a word. */
export const silent: Answer = () => undefined;

/** Cuts the connection before a byte is sent. */
export const hangUp: Answer = (_, response) => void response.destroy();

/** Sends some words, then cuts the connection. */
export const dieAfter =
  (...all: readonly string[]): Answer =>
  async (request, response) => {
    begin(response);
    for (const word of all) response.write(event(chunk(request, { content: word })));
    await sleep(20); // so that the words leave before the connection goes
    response.destroy();
  };

/** Sends some words, then nothing more. */
export const stallAfter =
  (...all: readonly string[]): Answer =>
  (request, response) => {
    begin(response);
    for (const word of all) response.write(event(chunk(request, { content: word })));
  };

export const refuse =
  (status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** One answer after the other; the last one stays. */
export const inTurn = (...answers: readonly Answer[]): Answer => {
  const left = [...answers];
  return (request, response) => {
    const answer = left.length > 1 ? left.shift() : left[0];
    return answer?.(request, response);
  };
};

const begin = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

function end(request: ServerRequest, response: ServerResponse, count: number): void {
  response.write(event(chunk(request, {}, 'stop')));
  response.write(event(usage(request, count)));
  response.end('data: [DONE]\n\n');
}

const chunk = ({ body }: ServerRequest, delta: unknown, finish: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: body['model'],
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const usage = ({ body }: ServerRequest, count: number) => ({
  model: body['model'],
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: count },
});
