import type { Experiment } from './types.ts';

/**
 * The book of the arm that a tenant is in. The experiment's id and the tenant's decide it, and nothing else: every
 * function finds the same arm at any time without asking, and a tenant stays in it while the id and arms do.
 */
export function armOf({ id, arms }: Experiment, tenantId: string): string {
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  let at = hash(`${id}/${tenantId}`) % total;
  for (const { book, weight } of arms) {
    if (at < weight) return book;
    at -= weight;
  }
  throw new Error(`the experiment ${id} has no arms`);
}

/** FNV-1a with MurmurHash3's last steps, which spread ids that differ in a letter over the whole of 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}
