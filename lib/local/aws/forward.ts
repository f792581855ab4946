import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const MAX_SOCKETS = 256;
/** Headers that S3 lets a presigned address set on the answer. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

export type ForwardOptions = {
  readonly body: Buffer;
  readonly target?: string;
  readonly without?: readonly string[];
};

export type Forward = {
  /** Sends a request on and the answer back, both as they are. */
  (request: IncomingMessage, response: ServerResponse, options: ForwardOptions): Promise<void>;
  /** Asks for the entity tag of an object; undefined when there is none. */
  readonly etagOf: (request: IncomingMessage, path: string) => Promise<string | undefined>;
  /** Asks something of the guard's own. */
  readonly ask: (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: Buffer,
  ) => Promise<{ readonly status: number; readonly etag: string; readonly text: string }>;
};

/** A client of the store behind the guard. */
export function makeForward(port: number): Forward {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });

  const send = (
    method: string,
    path: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body?: Buffer,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const upstream = httpRequest({ agent, host: '127.0.0.1', port, method, path, headers: { ...headers } });
      upstream.once('response', resolve).once('error', reject).end(body);
    });

  async function forward(
    request: IncomingMessage,
    response: ServerResponse,
    { body, target = request.url ?? '/', without = [] }: ForwardOptions,
  ): Promise<void> {
    const { 'transfer-encoding': _, connection: __, expect: ___, ...kept } = request.headers;
    const headers = { ...kept, 'content-length': String(body.length) };
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !without.includes(name)));
    const answer = await send(request.method ?? 'GET', target, sent, body);
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && name !== 'connection' && name !== 'keep-alive')
        response.setHeader(name, value);
    }
    const query = new URL(target, 'http://guard').searchParams;
    for (const name of OVERRIDES) {
      const value = query.get(`response-${name}`);
      if (value !== null && (answer.statusCode ?? 500) < 300) response.setHeader(name, value);
    }
    response.writeHead(answer.statusCode ?? 502);
    await pipeline(answer, response);
  }

  async function etagOf(request: IncomingMessage, path: string): Promise<string | undefined> {
    const answer = await send('HEAD', path, { host: request.headers.host });
    answer.resume();
    return answer.statusCode === 200 ? answer.headers.etag : undefined;
  }

  const ask: Forward['ask'] = async (method, path, headers, body = Buffer.alloc(0)) => {
    const answer = await send(method, path, { ...headers, 'content-length': String(body.length) }, body);
    return { status: answer.statusCode ?? 500, etag: answer.headers.etag ?? '', text: await textOf(answer) };
  };

  return Object.assign(forward, { etagOf, ask });
}
