import type { Tenant } from '#core/tenants/types.ts';
import type { Standing } from './standing.ts';

/** What is to be done about a tenant now. Each may be repeated; what is done already asks for nothing. */
export type DunningStep =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'warn'; readonly suspendsAtMs: number }
  /** `sinceMs` stays when a suspension that was begun is finished. */
  | { readonly kind: 'suspend'; readonly sinceMs: number }
  | { readonly kind: 'restore'; readonly sinceMs: number };

const NOTHING: DunningStep = { kind: 'nothing' };

/** Compares how a tenant stands with how it is treated. The agency's own suspensions and closings are never touched. */
export function dunningStep(
  tenant: Pick<Tenant, 'status' | 'suspension'>,
  standing: Standing,
  nowMs: number,
): DunningStep {
  const { status, suspension } = tenant;
  if (status === 'closed' || suspension?.because === 'agency') return NOTHING;
  // Suspended with no word of why: the agency did it, before reasons were kept.
  if (status === 'suspended' && suspension === undefined) return NOTHING;
  if (standing.kind === 'unpaid') {
    if (status === 'suspended') return NOTHING;
    return { kind: 'suspend', sinceMs: suspension?.sinceMs ?? nowMs };
  }
  if (suspension !== undefined) return { kind: 'restore', sinceMs: suspension.sinceMs };
  return standing.kind === 'overdue' ? { kind: 'warn', suspendsAtMs: standing.suspendsAtMs } : NOTHING;
}
