import type { FileId, TenantId } from '#core/shared/ids.ts';
import type { FileDesk } from './ports.ts';
import { contentKey, reportKey } from './types.ts';

/** Deletes a file with its bytes and report. False when there is none. */
export async function removeFile(
  { files, objects }: FileDesk,
  tenantId: TenantId,
  id: FileId,
): Promise<boolean> {
  if ((await files.read(tenantId, id)) === undefined) return false;
  // The record last: while it is there, a deletion that failed half-way can be repeated.
  await objects.remove(contentKey({ tenantId, id }));
  await objects.remove(reportKey({ tenantId, id }));
  return files.remove(tenantId, id);
}
