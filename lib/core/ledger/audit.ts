import type { TenantId } from '#core/shared/ids.ts';
import { sumMicro } from './account.ts';
import { type AuditRow, makeBookAuditor, type Violation } from './auditBook.ts';
import type { Account } from './types.ts';

/** Everything that an audit reads, each part strongly consistent. */
export type AuditSource = {
  readonly tenantIds: () => AsyncIterable<TenantId>;
  readonly readAccount: (tenantId: TenantId) => Promise<Account | undefined>;
  /** Every row of a tenant's book but the account. */
  readonly rows: (tenantId: TenantId) => AsyncIterable<AuditRow>;
  readonly lastSweepMs: () => Promise<number | undefined>;
};

export type TenantViolation = Violation & { readonly tenantId: TenantId };

export type AuditReport = {
  readonly tenants: number;
  readonly entries: number;
  readonly openHolds: number;
  /** Available and held of all tenants, in µcr. */
  readonly balanceMicro: number;
  readonly violations: readonly TenantViolation[];
};

/** A book that grows while it is read is read again; its snapshot is exact but for rows that sum up. */
const MAX_READINGS = 5;

/** Folds every tenant's book and says where an invariant of the ledger does not hold. Works on a live ledger. */
export async function auditLedger(source: AuditSource): Promise<AuditReport> {
  let report: AuditReport = { tenants: 0, entries: 0, openHolds: 0, balanceMicro: 0, violations: [] };
  // Read before any account: whatever was due by this sweep must be gone from all of them.
  const lastSweepMs = await source.lastSweepMs();
  for await (const tenantId of source.tenantIds()) {
    const audited = await auditTenant(source, tenantId, lastSweepMs);
    if (audited !== undefined) report = addTenant(report, tenantId, audited);
  }
  return report;
}

type AuditedTenant = {
  readonly account: Account;
  readonly entries: number;
  readonly violations: readonly Violation[];
};

async function auditTenant(
  source: AuditSource,
  tenantId: TenantId,
  lastSweepMs: number | undefined,
): Promise<AuditedTenant | undefined> {
  let audited: AuditedTenant | undefined;
  for (let reading = 0; reading < MAX_READINGS; reading++) {
    const account = await source.readAccount(tenantId);
    if (account === undefined) return undefined;
    const auditor = makeBookAuditor(account);
    for await (const row of source.rows(tenantId)) auditor.add(row);
    const { outgrown, entries, violations } = auditor.finish(lastSweepMs);
    audited = { account, entries, violations };
    if (!outgrown) break;
  }
  return audited;
}

const addTenant = (report: AuditReport, tenantId: TenantId, audited: AuditedTenant): AuditReport => ({
  tenants: report.tenants + 1,
  entries: report.entries + audited.entries,
  openHolds: report.openHolds + Object.keys(audited.account.holds).length,
  balanceMicro: report.balanceMicro + sumMicro([audited.account.availableMicro, audited.account.heldMicro]),
  violations: [...report.violations, ...audited.violations.map((v) => ({ tenantId, ...v }))],
});
