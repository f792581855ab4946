import { expect, test } from 'vitest';
import { CHAT_ROUTES } from '#api/chatRoutes.ts';
import { matchRoute } from '#api/matchRoute.ts';
import { ROUTE_SUMMARIES } from '#api/routeSummaries.ts';
import { ROUTES } from '#api/routes.ts';

test('every route is found by its own method and path, with its parameters', () => {
  for (const [id, { method, path }] of Object.entries(ROUTES)) {
    const concrete = path.replace(/\{\w+\+?\}/g, 'x1');
    const match = matchRoute(method, `/v1${concrete}`);
    expect(match).toMatchObject({ ok: true, value: { routeId: id } });
  }
});

test('a model name may hold slashes, encoded or not', () => {
  for (const path of ['/models/acme%2Fsupport', '/models/acme/support', '/v1/models/acme/support']) {
    expect(matchRoute('GET', path)).toEqual({
      ok: true,
      value: { routeId: 'retrieveModel', params: { model: 'acme/support' } },
    });
  }
});

test('an encoded slash stays inside its segment elsewhere', () => {
  expect(matchRoute('GET', '/admin/tenants/ten_1%2Fkeys')).toMatchObject({
    ok: true,
    value: { routeId: 'retrieveTenant', params: { tenant: 'ten_1/keys' } },
  });
});

test('a known path with another method says which methods it takes', () => {
  expect(matchRoute('PUT', '/admin/tenants')).toEqual({
    ok: false,
    error: { code: 'method_not_allowed', allow: ['POST', 'GET'] },
  });
});

test.each([
  '/',
  '',
  '/nope',
  '/v1',
  '/credits/',
  '/models//',
  '/%zz',
  '/credits/entries/x',
  'healthz',
  '/v1/v1/healthz',
])('the path %j is no route unless it is one with a slash at its end', (path) => {
  const match = matchRoute('GET', path);
  if (path === '/credits/') expect(match).toMatchObject({ ok: true, value: { routeId: 'readCredits' } });
  else expect(match).toEqual({ ok: false, error: { code: 'not_found' } });
});

test('every route says in one sentence what it does', () => {
  for (const summary of Object.values(ROUTE_SUMMARIES)) expect(summary).toMatch(/^[A-Z][^.]+(\.|, .*\.)$/);
  expect(Object.keys(ROUTE_SUMMARIES).sort()).toEqual(Object.keys(ROUTES).sort());
});

test('the chat function knows every route that it serves, and no other', () => {
  const served = Object.entries(ROUTES).flatMap(([id, route]) => (route.function === 'chat' ? [id] : []));
  expect(Object.keys(CHAT_ROUTES)).toEqual(served);
});
