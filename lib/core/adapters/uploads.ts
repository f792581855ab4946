import type { AdapterUploadId, TenantId } from '#core/shared/ids.ts';
import { ok, type Result } from '#core/shared/result.ts';
import type { AdapterDesk, PresignedForm } from './ports.ts';
import { type NewAdapter, type NotRegistered, type Registered, registerAdapter } from './registerAdapter.ts';
import { uploadedArchiveKey } from './types.ts';

export const UPLOAD_LIMITS = {
  seconds: 3_600,
  /** An archive that is registered by a request must be scanned within it. */
  bytes: 100 * 1024 * 1024,
} as const;

/** Makes a form that takes an archive's bytes past the API, for an hour. Undefined: there is no such tenant. */
export async function openAdapterUpload(
  { world, archives, directory }: AdapterDesk,
  { tenantId, bytes }: { readonly tenantId: TenantId; readonly bytes: number },
): Promise<
  | { readonly uploadId: AdapterUploadId; readonly form: PresignedForm; readonly expiresAtMs: number }
  | undefined
> {
  if ((await directory.readTenant(tenantId)) === undefined) return undefined;
  const uploadId = world.newId<AdapterUploadId>('adapterUpload');
  const form = await archives.presignForm(
    uploadedArchiveKey(tenantId, uploadId),
    bytes,
    UPLOAD_LIMITS.seconds,
  );
  return { uploadId, form, expiresAtMs: world.clock() + UPLOAD_LIMITS.seconds * 1_000 };
}

/**
 * Registers what was uploaded and forgets the upload, also when it is refused: hostile bytes are not kept. Repeated,
 * it answers the same adapter. Errors: those of registerAdapter.
 */
export async function registerUpload(
  desk: AdapterDesk,
  {
    uploadId,
    ...wanted
  }: Omit<NewAdapter, 'sourceKey' | 'uploadId'> & { readonly uploadId: AdapterUploadId },
): Promise<Result<Registered, NotRegistered>> {
  const known = await desk.adapters.findUploaded(wanted.tenantId, uploadId);
  const adapter = known === undefined ? undefined : await desk.adapters.read(wanted.tenantId, known);
  if (adapter !== undefined) return ok({ adapter, created: false });
  const sourceKey = uploadedArchiveKey(wanted.tenantId, uploadId);
  const registered = await registerAdapter(desk, { ...wanted, sourceKey, uploadId });
  if (registered.ok || registered.error.code === 'archive_refused') await desk.archives.remove(sourceKey);
  return registered;
}
