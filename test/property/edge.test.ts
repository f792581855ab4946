import { fc, test } from '@fast-check/vitest';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect } from 'vitest';
import { ROUTES, type Route } from '#api/routes.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { ADMIN_KEY, type Agency, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
/** Whose balance must not change: its key is used, its id is in no path. */
let tenant: Awaited<ReturnType<Agency['newTenant']>>;
/** Whom the agency's hostile requests are about. */
let target: typeof tenant;
beforeAll(async () => {
  agency = await startAgency();
  tenant = await agency.newTenant();
  target = await agency.newTenant();
  await agency.admin('POST', `${tenant.path}/credits`, { amount: '7', reason: 'to see whether it changes' });
});
afterAll(() => agency.stop());

/** The chat function has an edge and tests of its own. */
const routes = Object.values<Route>(ROUTES).filter(
  ({ function: name }) => name === 'account' || name === 'control',
);
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '..',
    '%00',
    '%2e%2e%2f',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
    "' OR 1=1 --",
    '-1',
    '1e309',
  ),
);

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** One of our routes with its own method most of the time, and hostile or real parameters. */
const routed = fc
  .record({
    route: fc.constantFrom(...routes),
    values: fc.array(hostileText, { minLength: 2, maxLength: 2 }),
    kindly: fc.boolean(),
    otherMethod: seldom(fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD')),
    otherKey: seldom(fc.constantFrom('admin', 'client', 'none')),
  })
  .map(({ route, values, kindly, otherMethod, otherKey }) => {
    const known: Readonly<Record<string, string>> = {
      tenant: target.id,
      key: target.keyId,
      model: 'a/model',
    };
    const rest = [...values];
    const path = route.path.replace(/\{(\w+)\+?\}/g, (_, name: string) => {
      const value = kindly ? (known[name] ?? 'x') : (rest.pop() ?? 'x');
      return value.isWellFormed() ? encodeURIComponent(value) : value;
    });
    const key = otherKey ?? (route.auth.kind === 'admin' ? 'admin' : 'client');
    return { method: otherMethod ?? route.method, path, key };
  });
const unrouted = fc.record({
  method: hostileText,
  path: hostileText.map((text) => `/${text}`),
  key: fc.constantFrom('admin', 'client', 'none'),
});

/** Fields that our schemas know, with values that they may not. */
const anyValue = fc.oneof(fc.jsonValue(), hostileText, fc.constantFrom(1e308, -0));
const maybe = <T>(good: T) =>
  fc.option(fc.oneof({ weight: 4, arbitrary: fc.constant(good) }, anyValue), { nil: undefined });
const knownFields = fc.oneof(
  fc.record({
    name: maybe('x'),
    status: maybe('suspended'),
    price_book: maybe('per-call'),
    reason: maybe('x'),
  }),
  fc.record({
    name: maybe('x'),
    scopes: maybe(['chat']),
    expires_at: maybe(2_000_000_000),
    reason: maybe('x'),
  }),
  fc.record({ amount: maybe('0.5'), reason: maybe('x'), __proto__: maybe({}) }),
  fc.record({ alias: maybe('m'), base_model: maybe('tunegate-nano'), adapter_id: maybe('adp_1') }),
  fc.record({ grace_seconds: maybe(60), reason: maybe('x') }),
  fc.record({ pack: maybe('pack-50'), success_url: anyValue }),
);
const junk = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => '['.repeat(depth)),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
);
const body = fc.oneof(
  { weight: 4, arbitrary: knownFields.map((fields) => JSON.stringify(fields)) },
  { weight: 1, arbitrary: junk },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

/** A value of a query that is good, or not at all. */
const queryValue = fc.oneof(fc.constantFrom('1', '100', '2026-11-01', 'day', 'day,model', 'x'), hostileText);
const sent = fc.record({
  request: fc.oneof({ weight: 12, arbitrary: routed }, { weight: 1, arbitrary: unrouted }),
  rawBody: body,
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.dictionary(
        fc.constantFrom('content-type', 'content-encoding', 'idempotency-key', 'x-other'),
        hostileText,
      ),
    },
  ),
  query: fc.oneof(
    fc.constant({}),
    fc.dictionary(fc.constantFrom('limit', 'cursor', 'tenant', 'reason', 'start', 'group_by'), queryValue, {
      maxKeys: 2,
    }),
  ),
});

test.prop([sent], { numRuns: 1_000 })(
  'no request makes a 5xx, hangs, or changes a balance',
  async ({ request: { method, path, key }, rawBody, headers, query }) => {
    const answer = await agency.call(method, path, {
      headers,
      query,
      ...(rawBody === undefined ? {} : { rawBody }),
      ...(key === 'none' ? {} : { key: key === 'admin' ? ADMIN_KEY : tenant.apiKey }),
    });
    expect(answer.status, JSON.stringify(agency.log.lines.at(-2))).toBeLessThan(500);
    if (answer.status >= 400 && answer.body !== undefined) {
      expect(answer.body.error).toMatchObject({ message: expect.any(String), code: expect.any(String) });
    }
    expect((await agency.deps.ledger.readAccount(tenant.id as TenantId))?.availableMicro).toBe(7_000_000);
  },
);

test.prop(
  [fc.oneof(fc.anything(), fc.object({ key: fc.constantFrom('httpMethod', 'path', 'headers', 'body') }))],
  {
    numRuns: 300,
  },
)('no event, of whatever shape, makes the handler throw or answer 5xx', async (event) => {
  const answer = await agency.handle(event as APIGatewayProxyEvent);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
});
