import { stableHash } from '#core/shared/stableHash.ts';
import type { Experiment } from './types.ts';

/**
 * The book of the arm that a tenant is in. The experiment's id and the tenant's decide it, and nothing else: every
 * function finds the same arm at any time without asking, and a tenant stays in it while the id and arms do.
 */
export function armOf({ id, arms }: Experiment, tenantId: string): string {
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  let at = stableHash(`${id}/${tenantId}`) % total;
  for (const { book, weight } of arms) {
    if (at < weight) return book;
    at -= weight;
  }
  throw new Error(`the experiment ${id} has no arms`);
}
