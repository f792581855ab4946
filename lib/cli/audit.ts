import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type AuditReport, auditLedger } from '#core/ledger/audit.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';

export type AuditOptions = {
  /** The data directory of one machine, or a ledger table on AWS by its name. */
  readonly target: { readonly dataDir: string } | { readonly ledgerTable: string };
  readonly json: boolean;
  /** Opens the database over a data directory: `#local/openDatabase.ts`. */
  readonly openDatabase: (
    dataDir: string,
  ) => Promise<{ readonly url: string; readonly stop: () => Promise<void> }>;
  readonly write: (line: string) => void;
  readonly warn: (line: string) => void;
};

/** Audits a ledger and says what it found. Exit codes: 0 every invariant holds, 1 one does not, 2 it could not be read. */
export async function runAudit(options: AuditOptions): Promise<0 | 1 | 2> {
  try {
    const report = await audit(options);
    if (options.json)
      options.write(JSON.stringify({ ok: report.violations.length === 0, ...report }, null, 2));
    else for (const line of describe(report)) options.write(line);
    return report.violations.length === 0 ? 0 : 1;
  } catch (error) {
    options.warn(
      `The ledger could not be audited: ${error instanceof Error ? error.message : String(error)}`,
    );
    return 2;
  }
}

async function audit({ target, openDatabase }: AuditOptions): Promise<AuditReport> {
  if ('ledgerTable' in target) return auditTable(new DynamoDBClient({}), target.ledgerTable);
  const database = await openDatabase(target.dataDir);
  const client = new DynamoDBClient({
    endpoint: database.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    return await auditTable(client, `tunegate-${TABLES.ledger.name}`);
  } finally {
    client.destroy();
    await database.stop();
  }
}

const auditTable = (client: DynamoDBClient, tableName: string): Promise<AuditReport> =>
  auditLedger(makeAuditSource(DynamoDBDocumentClient.from(client), tableName));

function describe(report: AuditReport): readonly string[] {
  const balance = formatCredits(micro(report.balanceMicro));
  const read = `${report.tenants} tenants, ${report.entries} entries, ${report.openHolds} open holds, ${balance} credits`;
  if (report.violations.length === 0) return [`Every invariant of the ledger holds: ${read}.`];
  return [
    `The ledger breaks ${report.violations.length} of its invariants: ${read}.`,
    ...report.violations.map(({ tenantId, code, message }) => `  ${tenantId}  ${code}  ${message}`),
  ];
}
