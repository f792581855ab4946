import { makeRouteMatcher } from './routeMatcher.ts';
import { ROUTES } from './routes.ts';

/** Finds the route of a request among all of them. */
export const matchRoute = makeRouteMatcher(ROUTES);
