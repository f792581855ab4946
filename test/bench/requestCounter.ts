import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Requests that left this process since the last reset, by the service that they went to. */
export type RequestCounts = Readonly<Record<string, number>>;

/**
 * Counts the HTTP requests of the SDK's clients as Node itself announces them, repeats included: nothing of the
 * product is changed for it. `services` names them by their address.
 */
export function makeRequestCounter(services: Readonly<Record<string, string>>) {
  const names = new Map(Object.entries(services).map(([name, url]) => [new URL(url).host, name]));
  let counts: Record<string, number> = {};
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { readonly request: ClientRequest };
    const name = names.get(String(request.getHeader('host'))) ?? 'other';
    counts[name] = (counts[name] ?? 0) + 1;
  });
  return {
    reset: (): void => {
      counts = {};
    },
    read: (): RequestCounts => ({ ...counts }),
  };
}
