import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type * as z from 'zod/mini';

const MAX_BODY_BYTES = 256 * 1024;

export type StandInRequest = {
  readonly method: string;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  /** The body as JSON or as a form's fields; an empty one is `{}`. Throws `HttpError` 400 when it is neither. */
  readonly fields: () => unknown;
  /** A browser asks: it wants pages and redirections instead of JSON. */
  readonly wantsHtml: boolean;
};

export type StandInResponse = {
  readonly status: number;
  readonly json?: unknown;
  readonly html?: string;
  readonly location?: string;
  /** Cuts the connection instead of answering. */
  readonly drop?: boolean;
};

export type StandInRoute = {
  readonly method: string;
  readonly path: string;
  readonly handle: (request: StandInRequest) => StandInResponse | Promise<StandInResponse>;
};

/** A refusal in the shape of Dodo's errors, `{code, message}`. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Parses a request's fields with a schema; what does not fit is refused as Dodo does, with 422. */
export function parseFields<T extends z.ZodMiniType>(schema: T, request: StandInRequest): z.infer<T> {
  const parsed = schema.safeParse(request.fields());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new HttpError(
    422,
    'UNPROCESSABLE_ENTITY',
    `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'invalid'}`,
  );
}

/** Serves the routes; `before` sees every matched request first and may answer in the route's place. */
export function serveRoutes(
  routes: readonly StandInRoute[],
  before: (request: StandInRequest, next: () => Promise<StandInResponse>) => Promise<StandInResponse>,
): Server {
  const compiled = routes.map((route) => ({ route, pattern: new URLPattern({ pathname: route.path }) }));

  const answer = async (message: IncomingMessage): Promise<StandInResponse> => {
    const url = URL.parse(message.url ?? '/', 'http://127.0.0.1');
    if (url === null) throw new HttpError(400, 'BAD_REQUEST', 'the address cannot be read');
    for (const { route, pattern } of compiled) {
      const match = route.method === message.method ? pattern.exec(url) : null;
      if (match === null) continue;
      const params = decodeParams(match.pathname.groups);
      const request = toRequest(message, url, params, await readBody(message));
      return before(request, async () => route.handle(request));
    }
    throw new HttpError(404, 'NOT_FOUND', `the stand-in has no ${message.method} ${url.pathname}`);
  };

  return createServer((message, response) => {
    answer(message)
      .catch(asResponse)
      .then((result) => send(response, result))
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
}

function toRequest(
  message: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
  body: Buffer,
): StandInRequest {
  const isForm = (message.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return {
    method: message.method ?? 'GET',
    url,
    params,
    headers: message.headers,
    wantsHtml: (message.headers.accept ?? '').includes('text/html'),
    fields: () => {
      if (body.length === 0) return {};
      if (isForm) return Object.fromEntries(new URLSearchParams(body.toString('utf8')));
      try {
        return JSON.parse(body.toString('utf8'));
      } catch {
        throw new HttpError(400, 'INVALID_JSON', 'the body is not JSON');
      }
    },
  };
}

function decodeParams(groups: Readonly<Record<string, string | undefined>>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? '')]),
    );
  } catch {
    throw new HttpError(400, 'BAD_REQUEST', 'the address is not valid UTF-8');
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new HttpError(413, 'TOO_LARGE', 'the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function asResponse(error: unknown): StandInResponse {
  if (error instanceof HttpError) {
    return { status: error.status, json: { code: error.code, message: error.message } };
  }
  console.error(error);
  return { status: 500, json: { code: 'INTERNAL', message: 'the stand-in failed; its log says why' } };
}

function send(response: ServerResponse, result: StandInResponse): void {
  if (result.drop === true) {
    response.destroy();
  } else if (result.location !== undefined) {
    response.writeHead(result.status, { location: result.location }).end();
  } else if (result.html !== undefined) {
    response
      .writeHead(result.status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
      .end(result.html);
  } else {
    response
      .writeHead(result.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(result.json));
  }
}
