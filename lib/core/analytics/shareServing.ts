import { endpointIn } from '#core/reconciliation/awsResources.ts';
import type { AwsCosts } from '#core/reconciliation/types.ts';
import type { TenantId } from '#core/shared/ids.ts';

/** One tenant, as far as it decides what serving it cost. */
export type Served = {
  readonly id: TenantId;
  /** The short name of its own endpoint; undefined: it has none. */
  readonly endpoint: string | undefined;
  readonly computeMs: number;
};

/** An endpoint and what it cost, in millionths of a dollar. `name`: the short one of a tenant's own; null: the shared one. */
export type EndpointCost = { readonly name: string | null; readonly microUsd: number };

export type SharedServing = {
  readonly microUsdOf: ReadonlyMap<TenantId, number>;
  /** Of endpoints that nobody used. */
  readonly unsharedMicroUsd: number;
};

/**
 * What a bill of AWS has for our endpoints: the shared one is named first, and the own ones begin with its name. Others
 * of the account are other products', or another deployment's.
 */
export function endpointCosts(
  { lines }: Pick<AwsCosts, 'lines'>,
  names: readonly [string, ...string[]],
): readonly EndpointCost[] {
  const [shared] = names;
  return lines.flatMap(({ resource, microUsd }) => {
    const name = endpointIn(resource);
    if (name === undefined || !names.includes(name)) return [];
    return [{ name: name === shared ? null : name.slice(shared.length + 1), microUsd }];
  });
}

/**
 * Shares what serving cost among those it was for: an endpoint of one tenant to that tenant, the others by the time that
 * the engine worked for each. To the millionth: the shares of an endpoint add up to what it cost.
 */
export function shareServing(tenants: readonly Served[], costs: readonly EndpointCost[]): SharedServing {
  const microUsdOf = new Map<TenantId, number>();
  let unsharedMicroUsd = 0;
  for (const { name, microUsd } of costs) {
    const users = tenants.filter(({ endpoint }) => (endpoint ?? null) === name);
    // An own endpoint costs its tenant as much when it waits.
    const isOwn = name !== null && users.length === 1;
    const weights = users.map(({ computeMs }) => (isOwn ? 1 : computeMs));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) {
      unsharedMicroUsd += microUsd;
      continue;
    }
    let below = 0;
    for (const [n, { id }] of users.entries()) {
      const from = partOf(microUsd, below, total);
      below += weights[n] ?? 0;
      microUsdOf.set(id, (microUsdOf.get(id) ?? 0) + partOf(microUsd, below, total) - from);
    }
  }
  return { microUsdOf, unsharedMicroUsd };
}

/** Rounded down, so that the parts from one place to the next add up to the whole. */
const partOf = (microUsd: number, weight: number, total: number): number =>
  Number((BigInt(microUsd) * BigInt(weight)) / BigInt(total));
