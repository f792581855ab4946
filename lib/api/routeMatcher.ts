import { err, ok, type Result } from '#core/shared/result.ts';
import type { Route, RouteId } from './routes.ts';

export type RouteMatch = { readonly routeId: RouteId; readonly params: Readonly<Record<string, string>> };

export type NoRoute =
  | { readonly code: 'not_found' }
  | { readonly code: 'method_not_allowed'; readonly allow: readonly string[] };

type CompiledRoute = { readonly id: RouteId; readonly method: string; readonly segments: readonly string[] };

/** Finds the route of a request. Errors: not_found; method_not_allowed where the path exists for those in `allow`. */
export type MatchRoute = (method: string, path: string) => Result<RouteMatch, NoRoute>;

/**
 * Makes a matcher of these routes, which finds a request's as API Gateway does: fixed segments win over parameters,
 * parameters over the rest of the path. Fixed segments may follow the rest of a path, which API Gateway leaves to its
 * function (see `gatewayPath`). The stage `/v1` in front is allowed and ignored, because a custom domain
 * leaves it in the path.
 */
export function makeRouteMatcher(routes: Readonly<Partial<Record<RouteId, Route>>>): MatchRoute {
  const compiled = compile(routes);
  return (method, path) => {
    const segments = splitPath(path);
    if (segments === undefined) return err({ code: 'not_found' });
    const matches = compiled.flatMap((route) => {
      const params = matchSegments(route.segments, segments);
      return params === undefined ? [] : [{ route, params }];
    });
    const found = matches.find(({ route }) => route.method === method);
    if (found !== undefined) return ok({ routeId: found.route.id, params: found.params });
    if (matches.length === 0) return err({ code: 'not_found' });
    return err({ code: 'method_not_allowed', allow: [...new Set(matches.map(({ route }) => route.method))] });
  };
}

/** Most specific first, so that the first match is the right one. */
function compile(routes: Readonly<Partial<Record<RouteId, Route>>>): readonly CompiledRoute[] {
  const isRouteId = (name: string): name is RouteId => Object.hasOwn(routes, name);
  return Object.entries<Route>(routes)
    .flatMap(([id, route]) =>
      isRouteId(id) ? [{ id, method: route.method, segments: route.path.slice(1).split('/') }] : [],
    )
    .sort((a, b) => compareTexts(rank(a.segments), rank(b.segments)));
}

/** Not localeCompare: it loads the tables of every language, which is a tenth of a function's start. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The end comes last in the order, so that what follows the rest of a path counts before that rest alone. */
function rank(segments: readonly string[]): string {
  const ranks = segments.map((segment) =>
    segment.endsWith('+}') ? '2' : segment.startsWith('{') ? '1' : '0',
  );
  return `${ranks.join('')}3`;
}

/** The decoded segments after the stage; undefined when the path is not one. */
function splitPath(path: string): readonly string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).split('/');
  if (segments[0] === 'v1') segments.shift();
  if (segments.at(-1) === '') segments.pop(); // one trailing slash is forgiven
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {};
  for (const [at, expected] of pattern.entries()) {
    const actual = segments[at];
    if (actual === undefined || actual === '') return undefined;
    if (expected.endsWith('+}')) {
      const tail = pattern.slice(at + 1);
      const end = segments.length - tail.length;
      params[expected.slice(1, -2)] = segments.slice(at, end).join('/');
      return end > at && tail.every((fixed, n) => segments[end + n] === fixed) ? params : undefined;
    }
    if (expected.startsWith('{')) params[expected.slice(1, -1)] = actual;
    else if (expected !== actual) return undefined;
  }
  return segments.length === pattern.length ? params : undefined;
}
