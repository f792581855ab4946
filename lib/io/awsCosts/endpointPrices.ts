import * as z from 'zod/mini';
import type { EndpointPrice } from '#core/reconciliation/ports.ts';

const Prices = z
  .array(
    z.object({
      name: z.string(),
      usdPerHour: z.number().check(z.gte(0)),
      maxInstances: z.int().check(z.gte(0)),
    }),
  )
  .check(z.minLength(1));

/** Reads `[{"name", "usdPerHour", "maxInstances"}, …]`, the shared endpoint first. Throws when it is not that. */
export function readEndpointPrices(json: string): readonly [EndpointPrice, ...EndpointPrice[]] {
  const [shared, ...own] = z.parse(Prices, JSON.parse(json)).map(({ usdPerHour, ...rest }) => ({
    ...rest,
    microUsdPerHour: Math.round(usdPerHour * 1_000_000),
  }));
  if (shared === undefined) throw new Error('no endpoint is named');
  return [shared, ...own];
}

/** The names alone. */
export const endpointNames = ([shared, ...own]: readonly [EndpointPrice, ...EndpointPrice[]]): readonly [
  string,
  ...string[],
] => [shared.name, ...own.map(({ name }) => name)];
