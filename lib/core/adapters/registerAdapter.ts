import { type AdapterId, type AdapterUploadId, parseId, type TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import type { ArchiveRefused } from './archiveRules.ts';
import { type AdaptableBase, adaptableBase } from './bases.ts';
import { changeAdapter } from './changeAdapter.ts';
import { moveAdapter } from './moveAdapter.ts';
import type { AdapterDesk, ScannedArchive } from './ports.ts';
import { type Adapter, type AdapterContent, archiveKey, type Lineage, type Probe } from './types.ts';

export type NewAdapter = {
  readonly tenantId: TenantId;
  /** The archive in the tenant data bucket. */
  readonly sourceKey: string;
  readonly baseModel: string;
  readonly probes: readonly Probe[];
  /** What is known of where it comes from; it counts more than what the archive says. */
  readonly lineage?: Partial<Lineage>;
  readonly uploadId?: AdapterUploadId;
  /** A name of its own: see `Adapter`. */
  readonly modelName?: string;
  readonly act: Act;
};

export type NotRegistered =
  | { readonly code: 'tenant_not_found' }
  | { readonly code: 'unknown_base' }
  | { readonly code: 'nothing_uploaded' }
  | { readonly code: 'archive_refused'; readonly why: ArchiveRefused };

export type Registered = { readonly adapter: Adapter; readonly created: boolean };

/**
 * Scans an archive and keeps what serves of it under a name made of its tenant and its content: the same archive is
 * the same adapter, another content another one. One that was retired is registered again.
 * Errors: tenant_not_found, unknown_base, nothing_uploaded, archive_refused.
 */
export async function registerAdapter(
  desk: AdapterDesk,
  wanted: NewAdapter,
): Promise<Result<Registered, NotRegistered>> {
  const base = adaptableBase(wanted.baseModel);
  if (base === undefined) return err({ code: 'unknown_base' });
  if ((await desk.directory.readTenant(wanted.tenantId)) === undefined)
    return err({ code: 'tenant_not_found' });
  const scanned = await desk.archives.scan(wanted.sourceKey, base, (archive) =>
    keep(desk, wanted, base, archive),
  );
  if (scanned === undefined) return err({ code: 'nothing_uploaded' });
  return scanned.ok ? ok(scanned.value) : err({ code: 'archive_refused', why: scanned.error });
}

async function keep(
  desk: AdapterDesk,
  wanted: NewAdapter,
  base: AdaptableBase,
  scanned: ScannedArchive,
): Promise<Registered> {
  const nowMs = desk.world.clock();
  const adapter: Adapter = {
    id: contentName(desk, wanted.tenantId, base, scanned.content),
    tenantId: wanted.tenantId,
    baseModel: base.id,
    baseSha256: base.sha256,
    content: scanned.content,
    lineage: { ...scanned.lineage, ...wanted.lineage },
    probes: wanted.probes,
    ...(wanted.modelName === undefined ? {} : { modelNames: [wanted.modelName] }),
    fingerprint: null,
    status: 'registered',
    statusDetails: null,
    version: 1,
    createdAtMs: nowMs,
    statusAtMs: nowMs,
  };
  // The bytes first: a record without them would promise too much. The same name is the same bytes, for ever.
  await scanned.store(archiveKey(adapter));
  const audit = auditRecord(desk.world, wanted.act, {
    action: 'adapter.register',
    tenantId: wanted.tenantId,
    details: { adapterId: adapter.id, baseModel: base.id },
  });
  const by = { audit, ...(wanted.uploadId === undefined ? {} : { uploadId: wanted.uploadId }) };
  if (await desk.adapters.create(adapter, by)) return { adapter, created: true };
  return { adapter: await restore(desk, adapter), created: false };
}

/** The adapter that is there already, with a further name; of one that was retired, the same content brings it back. */
async function restore(desk: AdapterDesk, { tenantId, id, modelNames = [] }: Adapter): Promise<Adapter> {
  const there = await changeAdapter(desk, { tenantId, adapterId: id }, (found) => {
    const names = modelNames.filter((name) => !found.modelNames?.includes(name));
    const due = found.status === 'deployed' ? { unnamed: true as const } : {};
    const named = { ...found, ...due, modelNames: [...(found.modelNames ?? []), ...names] };
    const adapter = names.length === 0 ? found : named;
    if (found.status === 'retired') return moveAdapter(adapter, 'registered', desk.world.clock());
    return names.length === 0 ? undefined : { ...adapter, version: found.version + 1 };
  });
  if (there === undefined) throw new Error(`the adapter ${id} is there and cannot be read`);
  return there;
}

const NAME_CHARACTERS = 40;

/** Tenants never share an adapter, even of equal content: what one of them deletes is not the other's. */
function contentName(
  { sha256 }: AdapterDesk,
  tenantId: TenantId,
  base: AdaptableBase,
  { configSha256, weightsSha256 }: AdapterContent,
): AdapterId {
  const hash = sha256([tenantId, base.sha256, configSha256, weightsSha256].join('\n'));
  const id = parseId<AdapterId>('adapter', `adp_${hash.slice(0, NAME_CHARACTERS)}`);
  if (id === undefined) throw new Error('a hash is always an id');
  return id;
}
