import fc from 'fast-check';
import { ROUTES, type Route } from '#api/routes.ts';

/** A request as it goes over the wire; header names may repeat. */
export type BadRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
};

export type Keys = { readonly client: string; readonly admin: string; readonly model: string };

/** Requests that are wrong in every way we could think of; none of them may be answered as if it were right. */
export function badRequests(keys: Keys): fc.Arbitrary<BadRequest> {
  const anyhow = { headers: headersWith(keys), body: bodiesFor(keys) };
  return fc.oneof(
    { weight: 2, arbitrary: fc.record({ method: methods, path: paths, ...anyhow }) },
    // The chat function behind its key, where the body alone is wrong.
    {
      weight: 1,
      arbitrary: fc.record({
        method: fc.constant('POST'),
        path: fc.constantFrom('/v1/chat/completions', '/v1/completions'),
        headers: fc.constant([['authorization', `Bearer ${keys.client}`]] as const),
        body: bodiesFor(keys),
      }),
    },
    {
      weight: 1,
      arbitrary: rightRoutes(keys).chain((right) => bodiesFor(keys).map((body) => ({ ...right, body }))),
    },
  );
}

const routes = Object.values<Route>(ROUTES);
const methods = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'M-SEARCH', 'QUERY'),
  },
);

/** Path parameters never name anything that exists, so that no request can be right by chance. */
const parameter = fc.oneof(
  fc.constantFrom(
    'x',
    '%00',
    '%ff%fe',
    '..',
    '%2e%2e%2f',
    '%2F',
    'ten_',
    'ten_unknown',
    'key_1',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constant('a'.repeat(3_000)),
);
const paths = fc
  .oneof(
    { weight: 8, arbitrary: fc.constantFrom(...routes.map((route) => route.path)) },
    {
      weight: 2,
      arbitrary: fc.string({ maxLength: 60 }).map((text) => `/${encodeURI(text.toWellFormed())}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '/',
        '//',
        '/..',
        '/chat/completions/..',
        '/%',
        '/healthz%00',
        '/admin//tenants',
      ),
    },
  )
  .chain((path) => parameter.map((value) => path.replaceAll(/\{[^}]+\}/g, () => value)))
  .chain((path) => queries.map((query) => `/v1${path}${query}`.replaceAll(/[^\x21-\x7e]/g, '')));
const queries = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '?',
      '?limit=-1',
      '?limit=1e9',
      '?limit=1&limit=2',
      '?cursor=%ff',
      '?a[b]=c',
      '?start=nonsense',
      '?%',
      '?__proto__=1',
    ),
  },
);

/** Routes by their own method and with the key that they want: only parameters and body are wrong. */
const rightRoutes = (keys: Keys): fc.Arbitrary<Omit<BadRequest, 'body'>> =>
  fc.constantFrom(...routes).chain((route) =>
    parameter.map((value) => ({
      method: route.method,
      path: `/v1${route.path.replaceAll(/\{[^}]+\}/g, () => value)}`,
      headers: [
        ['authorization', `Bearer ${route.auth.kind === 'admin' ? keys.admin : keys.client}`],
      ] as const,
    })),
  );

function headersWith(keys: Keys): fc.Arbitrary<BadRequest['headers']> {
  const authorization = fc.constantFrom<readonly (readonly [string, string])[]>(
    [],
    [['authorization', `Bearer ${keys.client}`]],
    [['authorization', `Bearer ${keys.admin}`]],
    [['authorization', `bearer  ${keys.client} `]],
    [['authorization', 'Bearer tg_x_y']],
    [['authorization', `Basic ${Buffer.from('a:b').toString('base64')}`]],
    [
      ['authorization', `Bearer ${keys.client}`],
      ['Authorization', `Bearer ${keys.admin}`],
    ],
    [['authorization', `Bearer ${'k'.repeat(5_000)}`]],
  );
  const type = fc.constantFrom<readonly (readonly [string, string])[]>(
    [],
    [['content-type', 'application/json']],
    [['content-type', 'application/json; charset=utf-16']],
    [['content-type', 'text/plain']],
    [['content-type', 'multipart/form-data']],
    [
      ['content-type', 'application/json'],
      ['content-type', 'text/xml'],
    ],
  );
  const other = fc.constantFrom<readonly (readonly [string, string])[]>(
    [],
    [],
    [['content-encoding', 'gzip']],
    [['idempotency-key', '']],
    [['idempotency-key', 'x'.repeat(300)]],
    [['x-forwarded-for', "1.1.1.1, '; drop table"]],
    [
      ['webhook-id', 'msg_1'],
      ['webhook-timestamp', 'now'],
      ['webhook-signature', 'v1,AAAA'],
    ],
    [
      ['accept', 'text/event-stream'],
      ['range', 'bytes=0-'],
    ],
    [['x-amzn-trace-id', '\u00ff'.repeat(50)]],
  );
  return fc.tuple(authorization, type, other).map((parts) => parts.flat());
}

function bodiesFor(keys: Keys): fc.Arbitrary<Buffer> {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');
  const right = { model: keys.model, messages: [{ role: 'user', content: 'hello' }], max_tokens: 1 };
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 4 }).map(json) },
    { weight: 8, arbitrary: faults.map((fault) => json({ ...right, ...fault })) },
    { weight: 2, arbitrary: fc.nat(60).map((cut) => json(right).subarray(0, cut)) },
    { weight: 1, arbitrary: fc.constantFrom(...oddities) },
  );
}

/** What makes a chat request wrong, whatever else is in it. */
const faults: fc.Arbitrary<object> = fc.oneof(
  fc
    .constantFrom('model', 'messages')
    .chain((field) => fc.jsonValue({ maxDepth: 2 }).map((value) => ({ [field]: value }))),
  fc
    .constantFrom(
      'max_tokens',
      'max_completion_tokens',
      'temperature',
      'top_p',
      'n',
      'seed',
      'stream',
      'stop',
      'stream_options',
      'response_format',
      'tools',
      'user',
    )
    .chain((field) =>
      fc
        .constantFrom<unknown>('hot', -1, 1e30, [[]], { a: { b: 1 } }, '\u0000', false, [1, 2, 3])
        .map((value) => ({ [field]: value, messages: [] })),
    ),
  fc.constantFrom<object>(
    { messages: [] },
    { messages: [{}] },
    { messages: [{ role: 'user' }] },
    { messages: [{ role: 'nobody', content: 'x' }] },
    { messages: [{ role: 'user', content: 5 }] },
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://x' } }] }] },
    { messages: Array.from({ length: 5_000 }, () => ({ role: 'user', content: 'word '.repeat(20) })) },
    { messages: [{ role: 'user', content: 'x'.repeat(200_000) }] },
    { unknown_parameter: 1 },
    { adapters: ['other'], messages: [] },
    { model: '../other' },
    { model: 'x'.repeat(10_000) },
    { n: 1e6 },
    { temperature: 99 },
    { max_tokens: 2 ** 53 },
    { stop: Array.from({ length: 100 }, String) },
  ),
);

const oddities: readonly Buffer[] = [
  Buffer.from('\ufeff{}'),
  Buffer.from('{"a":1,"a":2}'),
  Buffer.from('{"__proto__":{"model":"x"},"constructor":1}'),
  Buffer.from('['.repeat(50_000)),
  Buffer.from(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
  Buffer.from('{"model":"\\ud800"}'),
  Buffer.from('{"n":1e400}'),
  Buffer.from('nul'),
  Buffer.from('"text"'),
  Buffer.alloc(1_200_000, ' '),
  Buffer.from('{"model":"x"}', 'utf16le'),
];

/** Bytes that are no HTTP, or that read like two requests at once. */
export const badBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ maxLength: 80 }).map((text) => Buffer.from(`GET ${text} HTTP/1.1\r\nhost: x\r\n\r\n`)),
  fc
    .string({ maxLength: 80 })
    .map((text) => Buffer.from(`GET /v1/healthz HTTP/1.1\r\nhost: x\r\n${text}: y\r\n\r\n`, 'latin1')),
  fc
    .string({ maxLength: 80 })
    .map((text) =>
      Buffer.from(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${text}\r\n\r\n`,
      ),
    ),
  fc
    .constantFrom(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/healthz HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET /v1/healthz HTTP/9.9\r\nhost: x\r\n\r\n',
      'GET /v1/healthz HTTP/1.0\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET /v1/healthz HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(5_000)}\r\n`,
    )
    .map((text) => Buffer.from(text, 'latin1')),
);
