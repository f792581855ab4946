import type { FileId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { checkFile } from './checkFile.ts';
import { FILE_LIMITS } from './limits.ts';
import type { FileIntake, PresignedForm } from './ports.ts';
import { askForCheck, askForCheckLater, isSmall } from './storeFile.ts';
import { contentKey, type PendingUpload, type StoredFile, uploadKey } from './types.ts';

export type NewUpload = Pick<StoredFile, 'tenantId' | 'filename' | 'purpose'> & {
  /** How many bytes will come, at most. */
  readonly bytes: number;
};

/** Makes a form that takes a file's bytes past the API, for an hour. */
export async function openUpload(
  { world, files, objects }: FileIntake,
  { bytes, ...given }: NewUpload,
): Promise<{ readonly upload: PendingUpload; readonly form: PresignedForm }> {
  const upload: PendingUpload = {
    ...given,
    id: world.newId('file'),
    maxBytes: bytes,
    createdAtMs: world.clock(),
  };
  const form = await objects.presignForm(uploadKey(upload), upload.maxBytes, FILE_LIMITS.uploadSeconds);
  await files.createUpload(upload);
  return { upload, form };
}

export type NotCompleted = { readonly code: 'unknown_upload' } | { readonly code: 'nothing_uploaded' };

/** Makes an upload a file, when its bytes are there. Repeated, it answers the same file. */
export async function completeUpload(
  intake: FileIntake,
  tenantId: TenantId,
  id: FileId,
): Promise<Result<StoredFile, NotCompleted>> {
  const { files, objects, world } = intake;
  const upload = await files.readUpload(tenantId, id);
  if (upload === undefined) return alreadyCompleted(intake, tenantId, id);
  if ((await objects.size(uploadKey(upload))) !== undefined)
    await objects.move(uploadKey(upload), contentKey(upload));
  // Measured where they are now: an earlier attempt may have moved them and ended there.
  const bytes = await objects.size(contentKey(upload));
  if (bytes === undefined || bytes === 0) return err({ code: 'nothing_uploaded' });
  const { maxBytes: _, ...named } = upload;
  const file: StoredFile = {
    ...named,
    bytes,
    status: 'uploaded',
    statusDetails: null,
    createdAtMs: world.clock(),
  };
  await askForCheckLater(intake, file);
  if (!(await files.completeUpload(file))) return alreadyCompleted(intake, tenantId, id);
  return ok(await startCheck(intake, file));
}

/** A repeat has the check started again, in case the first attempt ended before it was. */
async function alreadyCompleted(
  intake: FileIntake,
  tenantId: TenantId,
  id: FileId,
): Promise<Result<StoredFile, NotCompleted>> {
  const file = await intake.files.read(tenantId, id);
  return file === undefined ? err({ code: 'unknown_upload' }) : ok(await startCheck(intake, file));
}

/** Checks a small file now and has a larger one checked. */
const startCheck = async (intake: FileIntake, file: StoredFile): Promise<StoredFile> =>
  isSmall(file) ? ((await checkFile(intake, file)) ?? file) : askForCheck(intake, file);
